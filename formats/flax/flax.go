// Package flax inspects the MessagePack files of Flax (flax_model.msgpack): maps of arrays in extension types of its own.
//
// Reading one runs nothing, since Flax's hook for extensions makes only arrays, complex numbers and scalars
// (flax/serialization.py). What is checked is that the file is whole, holds no other extension, whose meaning would be
// another program's, and that each array's bytes are what its shape and type need.
package flax

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/cursor"
)

// Inspector implements formats.Inspector.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatFlax }

const (
	maxDepth = 500
	maxItems = 20_000_000
	maxName  = 200
)

// Detect implements formats.Inspector. MessagePack has no signature: a map whose first key is a name and whose first
// value is a container is taken for one, and any map under the name .msgpack.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool {
	if s.Size == 0 {
		return false
	}
	c := newReader(s.R, 0, s.Size)
	h := c.head()
	if h.kind != kindMap || c.Err() != nil {
		return false
	}
	if named(s) {
		return true
	}
	key := c.head()
	if h.n == 0 || key.kind != kindStr || key.n == 0 || key.n > maxName {
		return false
	}
	for _, b := range c.Bytes(key.n, maxName) {
		if b < 0x20 || b >= 0x7f {
			return false
		}
	}
	value := c.head()
	return c.Err() == nil && (value.kind == kindMap || value.kind == kindExt && value.ext == extArray)
}

func named(s *formats.Source) bool {
	for _, n := range s.Names {
		if strings.HasSuffix(strings.ToLower(n), ".msgpack") {
			return true
		}
	}
	return false
}

// Inspect implements formats.Inspector.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	w := &walk{c: c, s: s, reader: newReader(s.R, 0, s.Size)}
	w.value()
	err := w.Err()
	var e *cursor.Error
	switch {
	case c.Stopped() || errors.As(err, &e) && e.Err != nil: // failed reads are reported by the door
	case err != nil:
		c.Addf(formats.RuleFormatMalformed, s.Where, "MessagePack: %v", err)
	case w.Len() > 0:
		c.Addf(formats.RuleFormatMalformed, s.At(w.Offset()), "%d bytes follow the value: something is appended", w.Len())
	}
}

// walk is the state of one file's inspection.
type walk struct {
	reader
	c *formats.Context
	s *formats.Source
}

// value reads the file's value with all that it contains, without recursion.
func (w *walk) value() {
	open := []uint64{1} // values still to come in each open container
	for items := 0; len(open) > 0 && w.Err() == nil; items++ {
		last := len(open) - 1
		if open[last] == 0 {
			open = open[:last]
			continue
		}
		open[last]--
		if items >= maxItems || len(open) > maxDepth {
			w.c.Exceeded(w.s.At(w.Offset()), "more than %d values, or nested deeper than %d", maxItems, maxDepth)
			return
		}
		at := w.Offset()
		switch h := w.head(); h.kind {
		case kindMap:
			open = append(open, 2*h.n)
		case kindArray:
			open = append(open, h.n)
		case kindExt:
			w.extension(at, h)
		default:
			w.Skip(h.n)
		}
	}
}

// Codes of Flax's extension types.
const (
	extArray   = 1
	extComplex = 2
	extScalar  = 3
)

func (w *walk) extension(at int64, h head) {
	end := uint64(w.Offset()) + h.n
	switch h.ext {
	case extArray, extScalar:
		if h.n <= uint64(w.Len()) {
			w.array(at, int64(end))
		}
	case extComplex:
	default:
		w.c.Addf(formats.RuleFormatMalformed, w.s.At(at), "the extension type %d is not one of Flax's", h.ext)
	}
	w.Skip(end - min(end, uint64(w.Offset())))
}

// itemSizes are the bytes of an element, by numpy's names.
var itemSizes = map[string]uint64{
	"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
	"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16, "int4": 1, "uint4": 1,
	"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3b11fnuz": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
}

// array checks the content of an array extension: a list of shape, type and bytes.
func (w *walk) array(at, end int64) {
	c := newReader(w.s.R, w.Offset(), end)
	bad := func(why string) {
		w.c.Addf(formats.RuleFormatMalformed, w.s.At(at), "array: %s", why)
	}
	outer, shape := c.head(), head{}
	if outer.kind == kindArray && outer.n == 3 {
		shape = c.head()
	}
	if shape.kind != kindArray || shape.n > 64 {
		bad("no list of shape, type and bytes")
		return
	}
	elements := uint64(1)
	for range shape.n {
		d := c.head()
		hi, lo := bits.Mul64(elements, d.value)
		if d.kind != kindUint || hi != 0 || lo > math.MaxInt64 {
			bad("a dimension is no number, or the shape overflows")
			return
		}
		elements = lo
	}
	dtype := c.head()
	name := ""
	if dtype.kind == kindStr && dtype.n <= maxName {
		name = string(c.Bytes(dtype.n, maxName))
	}
	data := c.head()
	if c.Err() != nil || data.kind != kindBin {
		bad("no list of shape, type and bytes")
		return
	}
	size, known := itemSizes[name]
	if !known {
		w.c.Addf(formats.RuleDtypeUnsafe, w.s.At(at), "array of the unknown type %.100q", name)
		return
	}
	if hi, want := bits.Mul64(elements, size); hi != 0 || want != data.n || uint64(c.Len()) != data.n {
		bad("the shape does not fit the bytes")
		return
	}
	w.c.Dtype(name)
	w.c.Result.Facts.Tensors++
	w.c.Result.Facts.Parameters += min(int64(elements), math.MaxInt64-w.c.Result.Facts.Parameters)
}

// reader reads MessagePack's heads.
type reader struct{ *cursor.Cursor }

func newReader(r io.ReaderAt, from, end int64) reader {
	c := cursor.New(r, from, end)
	c.Order = binary.BigEndian
	return reader{c}
}
