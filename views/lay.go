package views

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"slices"
	"sort"
)

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
	p := &Plan{}
	var renumbered []int
	p.Members, renumbered = compact(sorted, members)
	for total, i := int64(0), 0; i < len(p.Members); i++ {
		if total += min(p.Members[i].Size, maxInflated); total > maxInflated {
			return nil, limit("", "compressed members of more than 2^60 bytes")
		}
	}
	var at int64
	for _, t := range sorted {
		if err := checkName(t.Name, header); err != nil {
			return nil, err
		}
		if t.Member > 0 {
			t.Member = renumbered[t.Member-1]
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

// compact gives the members that tensors with elements lie in, by rising offset, and for each of all its new number in
// Extents. The pickle itself may be compressed: then it is a member that nobody reads.
func compact(tensors []Tensor, members []Member) (kept []Member, renumbered []int) {
	used := make([]bool, len(members))
	for _, t := range tensors {
		if n, ok := product(t.Shape...); t.Member > 0 && (!ok || n > 0) {
			used[t.Member-1] = true
		}
	}
	order := make([]int, 0, len(members))
	for i := range members {
		if used[i] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(members[a].Offset, members[b].Offset) })
	renumbered = make([]int, len(members))
	for n, i := range order {
		kept, renumbered[i] = append(kept, members[i]), n+1
	}
	return kept, renumbered
}
