package views

import (
	"fmt"

	"trustfs/formats/archive"
)

// Bounds of a view. They hold for every Plan that Validate accepts.
const (
	MaxTensors = 50_000      // a large model has a few thousand; a Plan of so many fits the answer of a worker
	MaxHeader  = 100_000_000 // bytes of JSON: what safetensors' own readers accept
	MaxRank    = 64
	MaxName    = 4096 // bytes
	MaxRatio   = 1100 // inflated bytes for each compressed one, from MaxSlack on; deflate gives 1032 at most
	MaxSlack   = 1 << 20

	maxInflated = 1 << 60 // bytes of all members
)

// A Plan says what the bytes of a view are: Header, then each tensor's bytes, without holes, in order.
type Plan struct {
	Header  []byte   `json:"header"` // the whole head: 8 bytes of length and the padded JSON
	Size    int64    `json:"size"`   // of the view, in bytes
	Tensors []Extent `json:"tensors"`
	// Members are compressed runs of the source that tensors lie in, by rising offset: they are inflated once before they
	// are read.
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

// A Member is a compressed run of the source. What it inflates to is checked against Size and CRC, which are known without
// inflating it.
type Member struct {
	Offset int64           `json:"offset"` // of the compressed bytes in the source
	Packed int64           `json:"packed"` // bytes
	Size   int64           `json:"size"`   // bytes once inflated
	Method archive.Packing `json:"method"` // "deflate"
	CRC    uint32          `json:"crc"`    // CRC-32 of the inflated bytes
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
