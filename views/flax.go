package views

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"
)

// flaxFile shows the arrays of a file that flax.serialization.to_bytes wrote: MessagePack (the msgpack specification), a
// map of maps by name, whose arrays are extension 1 around (shape, dtype name, bytes).
func flaxFile(r io.ReaderAt, size int64) (*Plan, error) {
	f := &flax{r: r, size: size}
	if err := f.value("", 0); err != nil {
		return nil, err
	}
	if f.at != size {
		return nil, limit("", "%d bytes behind the MessagePack value", size-f.at)
	}
	return lay(f.tensors, nil)
}

type flax struct {
	r       io.ReaderAt
	size    int64
	at      int64
	visits  int
	tensors []Tensor
}

const extArray = 1 // flax's extension code of an ndarray; 2 is a complex number, 3 a numpy scalar

func (f *flax) bytes(n int64) ([]byte, error) {
	if n < 0 || n > 1<<20 || n > f.size-f.at {
		return nil, limit("", "MessagePack: %d bytes at offset %d of %d", n, f.at, f.size)
	}
	b := make([]byte, n)
	if err := readFull(f.r, b, f.at); err != nil {
		return nil, err
	}
	f.at += n
	return b, nil
}

func (f *flax) uint(width int64) (int64, error) {
	b, err := f.bytes(width)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-width:], b)
	n := binary.BigEndian.Uint64(wide[:])
	if n > math.MaxInt64 {
		return 0, limit("", "MessagePack: a number beyond 2^63 at offset %d", f.at)
	}
	return int64(n), nil
}

// A shape of a MessagePack value: what kind it is, and how many items or bytes follow.
type packed struct {
	kind byte // 'm'ap, 'a'rray, 's'tring, 'b'inary, 'e'xtension, 'n'umber or nil
	n    int64
	ext  byte
}

// head reads a value's first byte and length.
func (f *flax) head() (packed, error) {
	b, err := f.bytes(1)
	if err != nil {
		return packed{}, err
	}
	c := b[0]
	switch {
	case c < 0x80 || c >= 0xe0 || c == 0xc0 || c == 0xc2 || c == 0xc3:
		return packed{kind: 'n', n: int64(int8(c))}, nil
	case c < 0x90:
		return packed{kind: 'm', n: int64(c & 0x0f)}, nil
	case c < 0xa0:
		return packed{kind: 'a', n: int64(c & 0x0f)}, nil
	case c < 0xc0:
		return packed{kind: 's', n: int64(c & 0x1f)}, nil
	}
	return f.longHead(c)
}

// longHead reads the lengths of the formats 0xc4 to 0xdf.
func (f *flax) longHead(c byte) (p packed, err error) {
	switch {
	case c >= 0xc4 && c <= 0xc6:
		p.kind = 'b'
		p.n, err = f.uint(1 << (c - 0xc4))
	case c >= 0xc7 && c <= 0xc9:
		p.kind = 'e'
		if p.n, err = f.uint(1 << (c - 0xc7)); err == nil {
			p.ext, err = f.extension()
		}
	case c >= 0xca && c <= 0xd3:
		widths := [...]int64{4, 8, 1, 2, 4, 8, 1, 2, 4, 8}
		w := widths[c-0xca]
		if c >= 0xcc && c <= 0xcf {
			p.kind = 'n'
			p.n, err = f.uint(w)
			return p, err
		}
		_, err = f.bytes(w)
		p = packed{kind: 'n', n: -1} // floats and signed numbers: no size
	case c >= 0xd4 && c <= 0xd8:
		p = packed{kind: 'e', n: 1 << (c - 0xd4)}
		p.ext, err = f.extension()
	case c >= 0xd9 && c <= 0xdb:
		p.kind = 's'
		p.n, err = f.uint(1 << (c - 0xd9))
	case c == 0xdc || c == 0xdd:
		p.kind = 'a'
		p.n, err = f.uint(2 << (c - 0xdc))
	case c == 0xde || c == 0xdf:
		p.kind = 'm'
		p.n, err = f.uint(2 << (c - 0xde))
	default:
		err = limit("", "MessagePack: byte %#02x at offset %d", c, f.at-1)
	}
	return p, err
}

func (f *flax) extension() (byte, error) {
	b, err := f.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// value walks one value.
func (f *flax) value(name string, depth int) error {
	if f.visits++; f.visits > maxVisits || depth > maxNesting {
		return limit(name, "MessagePack: too many or too deep values")
	}
	p, err := f.head()
	if err != nil {
		return err
	}
	switch p.kind {
	case 'm':
		for range p.n {
			key, err := f.key()
			if err != nil {
				return err
			}
			if key == "__msgpack_chunked_array__" {
				return limit(name, "an array in chunks, as flax writes those beyond 1 GiB")
			}
			if err := f.value(join(name, key), depth+1); err != nil {
				return err
			}
		}
	case 'a':
		for i := range p.n {
			if err := f.value(join(name, strconv.FormatInt(i, 10)), depth+1); err != nil {
				return err
			}
		}
	case 'e':
		if p.ext == extArray {
			return f.array(name, p.n)
		}
		return f.skip(p.n)
	case 's', 'b':
		return f.skip(p.n)
	}
	return nil
}

func (f *flax) skip(n int64) error {
	if n < 0 || n > f.size-f.at {
		return limit("", "MessagePack: %d bytes at offset %d of %d", n, f.at, f.size)
	}
	f.at += n
	return nil
}

func (f *flax) key() (string, error) {
	p, err := f.head()
	if err != nil {
		return "", err
	}
	switch p.kind {
	case 's', 'b':
		b, err := f.bytes(p.n)
		return string(b), err
	case 'n':
		return strconv.FormatInt(p.n, 10), nil
	}
	return "", limit("", "MessagePack: a key that is no string at offset %d", f.at)
}

// array reads the (shape, dtype, bytes) of an extension of n bytes.
func (f *flax) array(name string, n int64) error {
	end := f.at + n
	if n < 0 || end > f.size {
		return limit(name, "MessagePack: an array beyond the end of the file")
	}
	p, err := f.head()
	if err != nil || p.kind != 'a' || p.n != 3 {
		return limit(name, "MessagePack: an array that is not (shape, dtype, bytes)")
	}
	t := Tensor{Name: name, Shape: []int64{}}
	if p, err = f.head(); err != nil || p.kind != 'a' || p.n > MaxRank {
		return limit(name, "MessagePack: an array without a shape")
	}
	for range p.n {
		d, err := f.head()
		if err != nil || d.kind != 'n' || d.n < 0 {
			return limit(name, "MessagePack: a shape that is not of sizes")
		}
		t.Shape = append(t.Shape, d.n)
	}
	dtype, err := f.key()
	if err != nil {
		return named(name, err)
	}
	d, ok := torchDtypes[dtype] // numpy spells these as torch does
	if !ok {
		return limit(name, "type %q has no safetensors type", clip(dtype))
	}
	t.Dtype = d
	data, err := f.head()
	if err != nil {
		return named(name, err)
	}
	want, ok := product(append([]int64{d.Size}, t.Shape...)...)
	if !ok || data.kind != 'b' && data.kind != 's' || data.n != want || f.at+want != end {
		return limit(name, "MessagePack: an array of shape %v in %d bytes", t.Shape, data.n)
	}
	t.Source = f.at
	f.at = end
	if f.tensors = append(f.tensors, t); len(f.tensors) > MaxTensors {
		return limit("", "more than %d tensors", MaxTensors)
	}
	return nil
}
