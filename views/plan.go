package views

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"sort"
)

// Bounds of a view. They hold for every Plan that Validate accepts.
const (
	MaxTensors = 50_000      // a large model has a few thousand; a Plan of so many fits the answer of a worker
	MaxHeader  = 100_000_000 // bytes of JSON: what safetensors' own readers accept
	MaxRank    = 64
	MaxName    = 4096 // bytes
)

// A Plan says what the bytes of a view are: Header, then each tensor's bytes, without holes, in order.
type Plan struct {
	Header  []byte   `json:"header"` // the whole head: 8 bytes of length and the padded JSON
	Size    int64    `json:"size"`   // of the view, in bytes
	Tensors []Extent `json:"tensors"`
	// Members are compressed members of the source that tensors lie in: they are inflated once before they are read.
	Members []Member `json:"members,omitempty"`
}

// An Extent is one tensor's bytes: a run of the source, or elements gathered from it.
type Extent struct {
	At     int64 `json:"at"`               // offset in the view
	Len    int64 `json:"len"`              // bytes
	Source int64 `json:"src"`              // offset of the first element in the source, or in the member
	Member int   `json:"member,omitempty"` // 1 + index in Members; 0 for the source itself
	// Gathered tensors: Shape and Strides (both in elements; a stride may be 0 or negative), Item bytes an element, and
	// Swap, the width of byte-swapped units (0: as stored).
	Item    int64   `json:"item,omitempty"`
	Swap    int64   `json:"swap,omitempty"`
	Shape   []int64 `json:"shape,omitempty"`
	Strides []int64 `json:"strides,omitempty"`
}

// A Member is a compressed run of the source.
type Member struct {
	Offset int64  `json:"offset"` // of the compressed bytes in the source
	Packed int64  `json:"packed"` // bytes
	Size   int64  `json:"size"`   // bytes once inflated
	Method string `json:"method"` // "deflate"
}

// A Tensor is what the interpreter knows of one tensor, before it is laid out.
type Tensor struct {
	Name    string
	Dtype   Dtype
	Shape   []int64
	Strides []int64 // in elements; nil for row-major without gaps
	Source  int64   // byte offset of element 0
	Member  int
	Swap    bool // stored in the other byte order
}

// A LimitError says what of the source a safetensors view cannot show, or what breaks its bounds.
type LimitError struct{ Tensor, Reason string }

func (e *LimitError) Error() string {
	if e.Tensor == "" {
		return "no view: " + e.Reason
	}
	return fmt.Sprintf("no view: tensor %q: %s", e.Tensor, e.Reason)
}

func limit(tensor, format string, args ...any) error {
	return &LimitError{Tensor: tensor, Reason: fmt.Sprintf(format, args...)}
}

// product multiplies non-negative sizes. ok is false on overflow or a negative one.
func product(ns ...int64) (int64, bool) {
	p := uint64(1)
	for _, n := range ns {
		if n < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(p, uint64(n))
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		p = lo
	}
	return int64(p), true
}

// contiguous says whether strides (in elements) are those of a row-major tensor without gaps.
func contiguous(shape, strides []int64) bool {
	if strides == nil {
		return true
	}
	want := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 0 {
			return true
		}
		if shape[i] != 1 && strides[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}

// span gives the lowest and the highest element offset that a strided tensor touches, relative to its first element.
func span(shape, strides []int64) (low, high int64, ok bool) {
	for i, n := range shape {
		if n == 0 {
			return 0, -1, true
		}
		d, fits := product(n-1, max(strides[i], -strides[i]))
		if !fits || strides[i] == -1<<63 {
			return 0, 0, false
		}
		if strides[i] < 0 {
			low -= d
		} else {
			high += d
		}
		if low < -1<<56 || high > 1<<56 {
			return 0, 0, false
		}
	}
	return low, high, true
}

// Lay makes the Plan of a set of tensors in a source of the given size. Tensors are laid out by falling alignment of their
// type and then by name, as safetensors' own writer does, so that every tensor is aligned to its element size.
func Lay(tensors []Tensor, metadata map[string]string, members []Member) (*Plan, error) {
	if len(tensors) > MaxTensors {
		return nil, limit("", "%d tensors, at most %d", len(tensors), MaxTensors)
	}
	sorted := append([]Tensor(nil), tensors...)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if a.Dtype.Size != b.Dtype.Size {
			return a.Dtype.Size > b.Dtype.Size
		}
		return a.Name < b.Name
	})
	header := map[string]any{"__metadata__": metadata}
	p := &Plan{Members: members}
	var at int64
	for _, t := range sorted {
		if err := checkName(t.Name, header); err != nil {
			return nil, err
		}
		x, err := t.extent(at)
		if err != nil {
			return nil, err
		}
		shape := t.Shape
		if shape == nil {
			shape = []int64{}
		}
		header[t.Name] = map[string]any{"dtype": t.Dtype.Name, "shape": shape, "data_offsets": [2]int64{at, at + x.Len}}
		at += x.Len
		if at > 1<<60 {
			return nil, limit(t.Name, "the view would be longer than 2^60 bytes")
		}
		p.Tensors = append(p.Tensors, x)
	}
	var err error
	if p.Header, err = head(header); err != nil {
		return nil, err
	}
	for i := range p.Tensors {
		p.Tensors[i].At += int64(len(p.Header))
	}
	p.Size = int64(len(p.Header)) + at
	return p, nil
}

func checkName(name string, taken map[string]any) error {
	switch _, again := taken[name]; {
	case name == "__metadata__":
		return limit(name, "safetensors keeps this name for itself")
	case len(name) > MaxName:
		return limit(name[:40]+"...", "the name has %d bytes, at most %d", len(name), MaxName)
	case again:
		return limit(name, "two tensors have this name")
	}
	for _, c := range name {
		if c == 0 || c == '\uFFFD' {
			return limit(name, "the name has a NUL or is not UTF-8")
		}
	}
	return nil
}

// extent lays a tensor's bytes at an offset.
func (t Tensor) extent(at int64) (Extent, error) {
	if len(t.Shape) > MaxRank || t.Strides != nil && len(t.Strides) != len(t.Shape) {
		return Extent{}, limit(t.Name, "%d dimensions and %d strides", len(t.Shape), len(t.Strides))
	}
	n, ok := product(append([]int64{t.Dtype.Size}, t.Shape...)...)
	if !ok {
		return Extent{}, limit(t.Name, "shape %v overflows", t.Shape)
	}
	x := Extent{At: at, Len: n, Source: t.Source, Member: t.Member}
	if n == 0 {
		x.Source, x.Member = 0, 0
		return x, nil
	}
	if contiguous(t.Shape, t.Strides) && !(t.Swap && t.Dtype.Size > 1) {
		return x, nil
	}
	x.Item, x.Shape, x.Strides = t.Dtype.Size, t.Shape, t.Strides
	if len(t.Shape) == 0 {
		x.Shape, x.Strides = []int64{1}, []int64{1} // a scalar: one element
	}
	if x.Strides == nil {
		x.Strides = rowMajor(t.Shape)
	}
	if t.Swap && t.Dtype.Size > 1 {
		x.Swap = t.Dtype.Size
		if t.Dtype == c64 {
			x.Swap = 4
		}
	}
	return x, nil
}

func rowMajor(shape []int64) []int64 {
	strides := make([]int64, len(shape))
	n := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	return strides
}

// head is the 8-byte little-endian length and the JSON, padded with spaces so that the tensors begin at a multiple of 8.
func head(header map[string]any) ([]byte, error) {
	text, err := json.Marshal(header) // keys sorted: deterministic
	if err != nil {
		return nil, err
	}
	if len(text) > MaxHeader {
		return nil, limit("", "a header of %d bytes, at most %d", len(text), MaxHeader)
	}
	for len(text)%8 != 0 || looksPickled(len(text)) {
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// looksPickled says whether a header of that length begins with the bytes that a pickle of protocol 2 to 5 begins with: the
// length 640 is 80 02 00... A view must not be taken for what it is there to replace.
func looksPickled(length int) bool {
	return length&0xff == 0x80 && length>>8&0xff >= 2 && length>>8&0xff <= 5
}

// Validate checks a Plan that a worker answered with against the source's size: what passes can be served without reading
// a byte outside the source, without overflow, and within bounds. It does not trust the header's text, which readers
// judge themselves; it makes sure that it is of the announced length.
func (p *Plan) Validate(source int64) error {
	if len(p.Tensors) > MaxTensors || len(p.Header) > MaxHeader+16 || len(p.Members) > MaxTensors {
		return errors.New("view: the plan is out of its bounds")
	}
	if len(p.Header) < 8 || binary.LittleEndian.Uint64(p.Header) != uint64(len(p.Header)-8) {
		return errors.New("view: the header's length does not fit")
	}
	for i, m := range p.Members {
		if m.Method != "deflate" || m.Size < 0 || m.Offset < 0 || m.Packed < 0 || m.Offset > source || m.Packed > source-m.Offset {
			return fmt.Errorf("view: member %d lies outside the source", i)
		}
	}
	at := int64(len(p.Header))
	for i := range p.Tensors {
		x := &p.Tensors[i]
		if x.At != at || x.Len < 0 || x.Len > 1<<61 {
			return fmt.Errorf("view: tensor %d leaves a hole", i)
		}
		size := source
		if x.Member != 0 {
			if x.Member < 0 || x.Member > len(p.Members) {
				return fmt.Errorf("view: tensor %d lies in no member", i)
			}
			size = p.Members[x.Member-1].Size
		}
		if err := x.validate(size); err != nil {
			return fmt.Errorf("view: tensor %d: %w", i, err)
		}
		at += x.Len
		if at > 1<<61 {
			return errors.New("view: too long")
		}
	}
	if at != p.Size {
		return errors.New("view: the size does not fit")
	}
	return nil
}

var errOutside = errors.New("lies outside the source")

func (x *Extent) validate(size int64) error {
	if x.Shape == nil {
		if x.Item != 0 || x.Swap != 0 || x.Strides != nil || x.Source < 0 || x.Source > size || x.Len > size-x.Source {
			return errOutside
		}
		return nil
	}
	n, ok := product(append([]int64{x.Item}, x.Shape...)...)
	switch {
	case x.Len == 0:
		return errors.New("a tensor without elements needs no shape to gather")
	case len(x.Shape) > MaxRank || len(x.Strides) != len(x.Shape):
		return errors.New("shape and strides do not fit")
	case x.Item < 1 || x.Item > 16 || x.Swap < 0 || x.Swap > 0 && (x.Swap > x.Item || x.Item%x.Swap != 0):
		return errors.New("an element size that no type has")
	case !ok || n != x.Len:
		return errors.New("the shape does not fit the length")
	}
	low, high, ok := span(x.Shape, x.Strides)
	if !ok || x.Source < 0 || x.Source > 1<<60 {
		return errOutside
	}
	if high < low {
		return nil // no element
	}
	if x.Source+low*x.Item < 0 || x.Source+(high+1)*x.Item > size {
		return errOutside
	}
	return nil
}
