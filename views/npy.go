package views

import (
	"io"
	"path"
	"slices"
	"strings"

	"trustfs/formats/archive"
	"trustfs/formats/numpy"
)

// npyFile shows the one array of a .npy file, under the name "array".
func npyFile(r io.ReaderAt, size int64) (*Plan, error) {
	t, err := npyTensor(r, size)
	if err != nil {
		return nil, err
	}
	t.Name = "array"
	return lay([]Tensor{t}, nil)
}

// npyTensor reads a .npy header. Offsets are in r.
func npyTensor(r io.ReaderAt, size int64) (t Tensor, err error) {
	h, err := numpy.ReadHeader(r, size)
	if err != nil {
		return t, limit("", "%v", err)
	}
	if t.Dtype, t.Swap, err = numpyType(h.Type, ""); err != nil {
		return t, err
	}
	n, ok := product(append([]int64{t.Dtype.Size}, h.Shape...)...)
	if !ok || n > size-h.Data {
		return t, limit("", "an array of shape %v in %d bytes", h.Shape, size-h.Data)
	}
	t.Shape, t.Source = h.Shape, h.Data
	if h.Fortran {
		t.Strides = columnMajor(h.Shape)
	}
	return t, nil
}

// holdsArrays says whether every member is a .npy file: what numpy.savez writes.
func (z *zipSource) holdsArrays() bool {
	for name := range z.by {
		if path.Ext(name) != ".npy" {
			return false
		}
	}
	return len(z.by) > 0
}

// npzFile shows an archive of arrays, each under its member's name without the extension.
func npzFile(z *zipSource) (*Plan, error) {
	z.arrays = true
	members := make([]*archive.Member, 0, len(z.by))
	for _, m := range z.by {
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b *archive.Member) int { return strings.Compare(a.Name, b.Name) })
	var tensors []Tensor
	for _, m := range members {
		in, err := z.array(m)
		if err != nil {
			return nil, err
		}
		t, err := npyTensor(in.r, in.size)
		if err != nil {
			return nil, named(m.Name, err)
		}
		t.Name, t.Member, t.Source = strings.TrimSuffix(m.Name, ".npy"), in.member, in.base+t.Source
		tensors = append(tensors, t)
	}
	return lay(tensors, z.members)
}

// array opens a member to read its header. Of a compressed one no more is inflated now: its size is the archive's word, which
// counts once all of it was inflated.
func (z *zipSource) array(m *archive.Member) (stream, error) {
	if m.Plain() {
		return z.stream(m)
	}
	_, member, err := z.place(m)
	if err != nil {
		return stream{}, err
	}
	packed := &z.members[member-1]
	r, err := packed.open(z.zip.File())
	if err != nil {
		return stream{}, named(m.Name, err)
	}
	return stream{r: &prefix{r: r}, size: m.Size, member: member}, nil
}
