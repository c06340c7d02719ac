package torch

import (
	"errors"
	"fmt"

	"trustfs/opcodes"
)

// Sparse tensors hold indices beside values, and wrong ones make torch read and write beyond its memory. Only its
// weights-only loader checks them; here they are checked as it does (torch._validate_sparse_coo_tensor_args and
// _validate_compressed_sparse_indices), so that a call which this finds right may be made by any loader.

// maxSparse is how many sparse tensors of one pickle are checked.
const maxSparse = 10_000

// sparseRebuilders take (layout, (indices..., values, size, ...)).
var sparseRebuilders = map[opcodes.Name]bool{
	{Module: "torch._utils", Name: "_rebuild_sparse_tensor"}:     true,
	{Module: "torch._utils", Name: "_rebuild_sparse_csr_tensor"}: true,
}

// sparseCall says that a sparse tensor is rebuilt.
func sparseCall(m *opcodes.Machine, e *opcodes.Event) bool {
	g := m.Global(e.Object)
	return g != nil && len(g.Names) == 1 && sparseRebuilders[opcodes.Name{Module: g.Module, Name: g.Name}]
}

// sparse says why a sparse tensor is not known to be sound; nil if it is.
func (i *inspection) sparse(m *opcodes.Machine, e *opcodes.Event) error {
	args := m.Items(e.Args)
	if e.Args.Kind() != opcodes.KindTuple || len(args) != 2 || args[1].Kind() != opcodes.KindTuple || i.foreign() {
		return errors.New("not as torch writes it")
	}
	data := m.Items(args[1])
	switch layout := layoutOfTensor(m, args[0]); {
	case layout == "torch.sparse_coo" && (len(data) == 3 || len(data) == 4):
		coalesced := len(data) == 4 && data[3].Kind() != opcodes.KindFalse && data[3].Kind() != opcodes.KindNone
		return i.coordinates(m, data, coalesced)
	case (layout == "torch.sparse_csr" || layout == "torch.sparse_csc") && len(data) == 4:
		return i.compressed(m, data, layout == "torch.sparse_csc")
	default:
		return fmt.Errorf("layout %q of %d parts", layout, len(data))
	}
}

// foreign says that torch may read the storages in the other byte order.
func (i *inspection) foreign() bool {
	for _, m := range i.layout.order {
		src, ok := i.z.Source(i.c, m)
		b := make([]byte, len("little"))
		if !ok || src.Size != int64(len(b)) {
			return true
		}
		if n, _ := src.R.ReadAt(b, 0); string(b[:n]) != "little" {
			return true
		}
	}
	return false
}

// layoutOfTensor reads torch.serialization._get_layout('torch.sparse_coo').
func layoutOfTensor(m *opcodes.Machine, v opcodes.Value) string {
	callee, args, _ := m.Call(v)
	g := m.Global(callee)
	if g == nil || g.Module != "torch.serialization" || g.Name != "_get_layout" || args.Kind() != opcodes.KindTuple || len(m.Items(args)) != 1 {
		return ""
	}
	s, _ := m.Str(m.Items(args)[0])
	return s
}

// coordinates checks (indices, values, size): a column of indices for each value, each in its bounds, and in order if the
// tensor says so.
func (i *inspection) coordinates(m *opcodes.Machine, data []opcodes.Value, coalesced bool) error {
	indices, err := i.dense(m, data[0], 2)
	if err != nil {
		return err
	}
	values, err := i.dense(m, data[1], -1)
	size, ok := sizes(m, data[2])
	if err != nil || !ok || !indices.integer || indices.width != 8 {
		return errors.Join(err, errors.New("indices, values and size are not as torch writes them"))
	}
	dims, n := indices.shape[0], indices.shape[1]
	if dims > int64(len(size)) || len(values.shape) != 1+len(size)-int(dims) || values.shape[0] != n || !equal(values.shape[1:], size[dims:]) {
		return errors.New("the shapes do not fit")
	}
	columns, err := i.columns(indices)
	if err != nil {
		return err
	}
	before := make([]int64, dims)
	for at := range n {
		grew := at == 0
		for d := range before {
			x, err := columns[d].next()
			if err != nil || x < 0 || x >= size[d] {
				return fmt.Errorf("index %d of value %d is %d, of %d: %v", d, at, x, size[d], err)
			}
			if coalesced && !grew && x < before[d] {
				return fmt.Errorf("value %d is out of order", at)
			}
			grew = grew || x > before[d]
			before[d] = x
		}
		if coalesced && !grew {
			return fmt.Errorf("value %d comes twice", at)
		}
	}
	return nil
}

// compressed checks (starts, others, values, size): where each row (of CSC: each column) starts among the values, and the
// other index of each value, rising within a row.
func (i *inspection) compressed(m *opcodes.Machine, data []opcodes.Value, byColumn bool) error {
	starts, err1 := i.dense(m, data[0], 1)
	others, err2 := i.dense(m, data[1], 1)
	values, err3 := i.dense(m, data[2], 1)
	size, ok := sizes(m, data[3])
	if err := errors.Join(err1, err2, err3); err != nil || !ok || len(size) != 2 || !starts.integer || !others.integer {
		return errors.Join(err, errors.New("starts, indices, values and size are not as torch writes them"))
	}
	rows, across := size[0], size[1]
	if byColumn {
		rows, across = across, rows
	}
	n := others.shape[0]
	if rows < 0 || starts.shape[0]-1 != rows || values.shape[0] != n || starts.width != others.width {
		return errors.New("the shapes do not fit")
	}
	first, err := i.columns(starts)
	if err != nil {
		return err
	}
	second, err := i.columns(others)
	if err != nil {
		return err
	}
	at, err := first[0].next()
	if err != nil || at != 0 {
		return fmt.Errorf("the first row starts at %d: %v", at, err)
	}
	for row := range rows {
		end, err := first[0].next()
		if err != nil || end < at || end > n || end-at > across {
			return fmt.Errorf("row %d ends at %d, it starts at %d: %v", row, end, at, err)
		}
		for before := int64(-1); at < end; at++ {
			x, err := second[0].next()
			if err != nil || x <= before || x >= across {
				return fmt.Errorf("index %d of row %d is %d, of %d: %v", at, row, x, across, err)
			}
			before = x
		}
	}
	if at != n {
		return fmt.Errorf("the rows end at %d, there are %d values", at, n)
	}
	return nil
}

func equal(a, b []int64) bool {
	for n := range a {
		if n >= len(b) || a[n] != b[n] {
			return false
		}
	}
	return len(a) == len(b)
}

// sizes reads a tuple of numbers from zero on, or torch.Size of one. A list, which torch takes too and never writes, may be
// another when the tensor has been made of it.
func sizes(m *opcodes.Machine, v opcodes.Value) ([]int64, bool) {
	if v.Kind() == opcodes.KindCall {
		callee, args, _ := m.Call(v)
		if g := m.Global(callee); g == nil || g.Module != "torch" || g.Name != "Size" || args.Kind() != opcodes.KindTuple || len(m.Items(args)) != 1 {
			return nil, false
		}
		v = m.Items(args)[0]
	}
	if v.Kind() != opcodes.KindTuple || !m.Whole(v) {
		return nil, false
	}
	out, ok := numbers(m, v)
	for _, n := range out {
		ok = ok && n >= 0
	}
	return out, ok
}
