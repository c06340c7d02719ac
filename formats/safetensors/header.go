package safetensors

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"trustfs/formats"
	"trustfs/formats/internal/codescan"
	"trustfs/formats/internal/jinja"
	"trustfs/formats/internal/strictjson"
)

// metadataKey is the one member of the header that is no tensor.
const metadataKey = "__metadata__"

// maxName bounds a tensor's name; real ones have under a hundred bytes.
const maxName = 4096

// header is the state of one header's inspection.
type header struct {
	c         *formats.Context
	s         *formats.Source
	dataStart int64    // where the tensors' bytes begin in the file
	extents   []extent // of the tensors read so far
	broken    bool     // the JSON ended early, so the layout cannot be judged
}

// extent is where a tensor lies, relative to dataStart, and where the header names it.
type extent struct{ begin, end, at int64 }

// members reads the header object's members.
func (h *header) members(d *strictjson.Decoder) error {
	for {
		t, err := d.Next()
		if err != nil || t.Kind == strictjson.ObjectEnd {
			return err
		}
		h.checkKey(t, "header")
		if t.Truncated || len(t.Text) > maxName {
			h.malformed(t.Offset, "a tensor's name is longer than %d bytes", maxName)
		}
		name := string(t.Text[:min(len(t.Text), maxName)])
		if name == metadataKey {
			err = h.metadata(d)
		} else {
			err = h.tensor(d, name, t.Offset)
		}
		if err != nil {
			return err
		}
	}
}

// checkKey reports a key that another reader would see differently.
func (h *header) checkKey(t strictjson.Token, where string) {
	if t.Duplicate {
		h.malformed(t.Offset, "%s: %.80q occurs twice; readers differ in which they take", where, t.Text)
	}
}

// metadata reads __metadata__: strings only, each scanned for code.
func (h *header) metadata(d *strictjson.Decoder) error {
	t, err := d.Next()
	if err != nil {
		return err
	}
	if t.Kind != strictjson.ObjectStart {
		h.malformed(t.Offset, "%s is not an object of strings", metadataKey)
		return d.Skip(t)
	}
	for {
		k, err := d.Next()
		if err != nil || k.Kind == strictjson.ObjectEnd {
			return err
		}
		h.checkKey(k, metadataKey)
		key := string(k.Text[:min(len(k.Text), 200)])
		h.scan(key, key)
		v, err := d.Next()
		if err != nil {
			return err
		}
		if v.Kind != strictjson.String {
			h.malformed(v.Offset, "%s.%s is not a string", metadataKey, key)
			if err := d.Skip(v); err != nil {
				return err
			}
			continue
		}
		if v.Truncated {
			h.c.Exceeded(h.s.At(v.Offset), "%s.%s is longer than %d bytes", metadataKey, key, maxText)
		}
		h.scan(key, string(v.Text))
	}
}

// scan looks for code in a metadata string.
func (h *header) scan(key, text string) {
	where := h.s.Key("header:" + metadataKey + "." + key)
	for _, hit := range codescan.Text(text) {
		h.c.Addf(formats.RuleSafetensorsCode, where, "%s at byte %d of the string", hit.What, hit.Offset)
	}
	for _, hit := range jinja.Scan(text) {
		h.c.Addf(formats.RuleSafetensorsCode, where, "a template: %s", hit)
	}
}

// tensor reads one tensor's description and notes its extent.
func (h *header) tensor(d *strictjson.Decoder, name string, at int64) error {
	t, err := d.Next()
	if err != nil {
		return err
	}
	if t.Kind != strictjson.ObjectStart {
		h.malformed(t.Offset, "tensor %.80q is described by something else than an object", name)
		return d.Skip(t)
	}
	info, err := h.tensorInfo(d, name)
	if err != nil {
		return err
	}
	if len(h.extents) >= maxTensors {
		return &strictjson.Error{Kind: strictjson.Limit, Offset: at, Msg: fmt.Sprintf("more than %d tensors", maxTensors)}
	}
	h.check(name, at, info)
	return nil
}

// tensorInfo is what a header says of a tensor; the has fields tell 0 from absent.
type tensorInfo struct {
	dtype              string
	shape, offsets     []int64
	hasShape, hasRange bool
}

// tensorInfo reads the members dtype, shape and data_offsets.
func (h *header) tensorInfo(d *strictjson.Decoder, name string) (info tensorInfo, err error) {
	for {
		k, err := d.Next()
		if err != nil || k.Kind == strictjson.ObjectEnd {
			return info, err
		}
		h.checkKey(k, name)
		key, at := string(k.Text), k.Offset
		v, err := d.Next()
		if err != nil {
			return info, err
		}
		switch {
		case key == "dtype" && v.Kind == strictjson.String:
			info.dtype = string(v.Text[:min(len(v.Text), 40)])
		case key == "shape" && v.Kind == strictjson.ArrayStart:
			info.hasShape = true
			info.shape, err = h.integers(d, name, 64)
		case key == "data_offsets" && v.Kind == strictjson.ArrayStart:
			info.hasRange = true
			info.offsets, err = h.integers(d, name, 2)
		default:
			h.malformed(at, "tensor %.80q: %.40q is not dtype, shape or data_offsets of the right type", name, key)
			err = d.Skip(v)
		}
		if err != nil {
			return info, err
		}
	}
}

// integers reads the rest of an array of at most limit non-negative integers below 2^63.
func (h *header) integers(d *strictjson.Decoder, name string, limit int) ([]int64, error) {
	var out []int64
	for {
		t, err := d.Next()
		if err != nil || t.Kind == strictjson.ArrayEnd {
			return out, err
		}
		n, parse := strconv.ParseInt(string(t.Text), 10, 64)
		if t.Kind != strictjson.Number || parse != nil || n < 0 || t.Text[0] == '-' {
			h.malformed(t.Offset, "tensor %.80q: %.40q is no integer from 0 to 2^63-1", name, t.Text)
			n = -1
			if err := d.Skip(t); err != nil {
				return nil, err
			}
		}
		if len(out) == limit {
			h.malformed(t.Offset, "tensor %.80q: a list of more than %d numbers", name, limit)
		}
		if len(out) <= limit {
			out = append(out, n)
		}
	}
}

// check holds a tensor's description against itself and notes its extent and the facts.
func (h *header) check(name string, at int64, info tensorInfo) {
	if info.dtype == "" || !info.hasShape || !info.hasRange || len(info.offsets) != 2 {
		h.malformed(at, "tensor %.80q lacks one of dtype, shape, data_offsets", name)
		h.broken = true
		return
	}
	e := extent{info.offsets[0], info.offsets[1], at}
	if e.begin < 0 || e.end < e.begin {
		h.malformed(at, "tensor %.80q: data_offsets %v do not ascend", name, info.offsets)
		h.broken = true
		return
	}
	h.extents = append(h.extents, e)
	h.c.Dtype(info.dtype)
	bits, known := dtypeBits[info.dtype]
	if !known {
		h.c.Addf(formats.RuleDtypeUnsafe, h.s.At(at), "tensor %.80q has the unknown dtype %.40q", name, info.dtype)
		return
	}
	elements, ok := product(info.shape)
	size, fits := extentOf(elements, bits)
	switch {
	case !ok || !fits:
		h.malformed(at, "tensor %.80q: shape %v of %s overflows or ends inside a byte", name, clip(info.shape), info.dtype)
	case size != e.end-e.begin:
		h.malformed(at, "tensor %.80q: shape %v of %s takes %d bytes, data_offsets give it %d", name, clip(info.shape), info.dtype, size, e.end-e.begin)
	default:
		h.c.Result.Facts.Parameters += min(elements, math.MaxInt64-h.c.Result.Facts.Parameters)
	}
}

func clip(shape []int64) []int64 { return shape[:min(len(shape), 16)] }

// layout checks that the tensors cover the data exactly: no hole, no overlap, nothing behind the last.
func (h *header) layout() {
	if h.broken {
		return
	}
	slices.SortFunc(h.extents, func(a, b extent) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var end int64
	for _, e := range h.extents {
		if e.begin != end {
			h.malformed(e.at, "the tensor begins at %d of the data, the one before ends at %d: a hole or an overlap", e.begin, end)
			return
		}
		end = e.end
	}
	if have := h.s.Size - h.dataStart; have != end {
		h.malformed(h.dataStart, "the tensors take %d bytes, the file has %d: is the download complete, or something appended?", end, have)
	}
}
