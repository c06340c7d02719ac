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

// A dense is a dense tensor of a storage in the archive, as a rebuild function makes it; numbers are in elements.
type dense struct {
	shape, strides []int64
	offset         int64
	width          int64 // bytes an element
	integer        bool
	data           io.ReaderAt
	size           int64 // of data
}

// dense reads a tensor of so many dimensions (-1: of any).
func (i *inspection) dense(m *opcodes.Machine, v opcodes.Value, rank int) (*dense, error) {
	callee, argsOf, _ := m.Call(v)
	g := m.Global(callee)
	args := m.Items(argsOf)
	if g == nil || g.Module != "torch._utils" || g.Name != "_rebuild_tensor_v2" || argsOf.Kind() != opcodes.KindTuple || len(args) < 4 || args[0].Kind() != opcodes.KindPersistent {
		return nil, errors.New("a part that is no plain tensor")
	}
	storage := m.PersistentID(args[0])
	id := m.Items(storage)
	offset, ok := m.Int(args[1])
	shape, ok1 := sizes(m, args[2])
	strides, ok2 := sizes(m, args[3])
	plain := len(args) < 7 || args[6].Kind() == opcodes.KindNone // no bits that change what the bytes mean
	if !ok || !ok1 || !ok2 || !plain || storage.Kind() != opcodes.KindTuple || len(id) != 5 || offset < 0 || len(shape) != len(strides) || rank >= 0 && len(shape) != rank {
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
