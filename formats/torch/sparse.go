package torch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

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

// A dense is a dense tensor of a storage in the archive, as a rebuild function makes it; numbers are in elements.
type dense struct {
	shape, strides []int64
	offset         int64
	width          int64 // bytes an element
	integer        bool
	data           io.ReaderAt
	size           int64 // of data
}

// sparse says why a sparse tensor is not known to be sound; nil if it is.
func (i *inspection) sparse(m *opcodes.Machine, e *opcodes.Event) error {
	args := m.Items(e.Args)
	if len(args) != 2 || i.foreign() {
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
	if g == nil || g.Module != "torch.serialization" || g.Name != "_get_layout" || len(m.Items(args)) != 1 {
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

// sizes reads a tuple of numbers from zero on, or torch.Size of one.
func sizes(m *opcodes.Machine, v opcodes.Value) ([]int64, bool) {
	if v.Kind() == opcodes.KindCall {
		callee, args, _ := m.Call(v)
		if g := m.Global(callee); g == nil || g.Module != "torch" || g.Name != "Size" || len(m.Items(args)) != 1 {
			return nil, false
		}
		v = m.Items(args)[0]
	}
	if v.Kind() != opcodes.KindTuple && v.Kind() != opcodes.KindList || !m.Whole(v) {
		return nil, false
	}
	out, ok := numbers(m, v)
	for _, n := range out {
		ok = ok && n >= 0
	}
	return out, ok
}

// dense reads a tensor of so many dimensions (-1: of any).
func (i *inspection) dense(m *opcodes.Machine, v opcodes.Value, rank int) (*dense, error) {
	callee, argsOf, _ := m.Call(v)
	g := m.Global(callee)
	args := m.Items(argsOf)
	if g == nil || g.Module != "torch._utils" || g.Name != "_rebuild_tensor_v2" || len(args) < 4 || args[0].Kind() != opcodes.KindPersistent {
		return nil, errors.New("a part that is no plain tensor")
	}
	id := m.Items(m.PersistentID(args[0]))
	offset, ok := m.Int(args[1])
	shape, ok1 := sizes(m, args[2])
	strides, ok2 := sizes(m, args[3])
	plain := len(args) < 7 || args[6].Kind() == opcodes.KindNone // no bits that change what the bytes mean
	if !ok || !ok1 || !ok2 || !plain || len(id) != 5 || offset < 0 || len(shape) != len(strides) || rank >= 0 && len(shape) != rank {
		return nil, errors.New("a part that is not as torch writes it")
	}
	numel, ok := m.Int(id[4])
	key, ok1 := m.Str(id[2])
	class := m.Global(id[1])
	if !ok || !ok1 || numel < 0 || class == nil {
		return nil, errors.New("a part without a storage")
	}
	e, known := elementOf(class.Module + ":" + class.Name)
	if _, why := reach(offset, shape, strides, uint64(numel)); !known || why != "" {
		return nil, fmt.Errorf("a part outside of its storage: %s", why)
	}
	x := &dense{shape: shape, strides: strides, offset: offset, width: int64(e.size), integer: e.dtype == "int64" || e.dtype == "int32"}
	members := i.layout.storages[strings.ToLower(i.folder+key)]
	if len(members) != 1 || !members[0].Plain() || members[0].Size != numel*x.width {
		return nil, fmt.Errorf("storage %q is not stored once, plainly", key)
	}
	raw := i.z.Raw(members[0])
	x.data, x.size = raw.R, raw.Size
	return x, nil
}

// A column gives integers one after another.
type column struct {
	r     *bufio.Reader
	width int64
}

func (c column) next() (int64, error) {
	var b [8]byte
	if _, err := io.ReadFull(c.r, b[:c.width]); err != nil {
		return 0, err
	}
	if c.width == 4 {
		return int64(int32(binary.LittleEndian.Uint32(b[:]))), nil
	}
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}

// columns opens a tensor's rows, or the tensor if it has one dimension. A tensor that is laid out column by column is read
// as one. All indices of a file together are read a few times at most.
func (i *inspection) columns(x *dense) ([]column, error) {
	rows, n, step := int64(1), x.shape[len(x.shape)-1], x.strides[len(x.strides)-1]
	if len(x.shape) == 2 {
		rows = x.shape[0]
	}
	if rows > 64 {
		return nil, errors.New("more dimensions than torch has")
	}
	turned := len(x.shape) == 2 && step == rows && x.strides[0] == 1 && n > 1 && rows > 1
	if !turned && step != 1 && n > 1 {
		return nil, errors.New("indices that are neither row by row nor column by column")
	}
	// n is at most the number of the storage's elements now.
	if i.indices += rows * n * x.width; i.indices > 8*i.size {
		return nil, errors.New("more indices than the file has bytes: storages are used again and again")
	}
	out := make([]column, rows)
	if turned {
		one := column{x.run(x.offset, rows*n), x.width}
		for d := range out {
			out[d] = one
		}
		return out, nil
	}
	for d := range out {
		from := x.offset
		if len(x.shape) == 2 {
			from += int64(d) * x.strides[0]
		}
		out[d] = column{x.run(from, n), x.width}
	}
	return out, nil
}

// run reads n elements from one on.
func (x *dense) run(from, n int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(x.data, from*x.width, n*x.width), 32<<10)
}
