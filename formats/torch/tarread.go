package torch

import (
	"encoding/binary"
	"fmt"

	"trustfs/formats"
	"trustfs/opcodes"
)

// The members that torch.load reads of the tar archives that torch wrote until 0.1.9, by these names exactly
// (torch/serialization.py, legacy_load). storages and tensors are pickles with raw bytes between them; a fourth member,
// sys_info, is never read again.
const (
	TarStorages = "storages"
	TarTensors  = "tensors"
	TarPickle   = "pickle"
)

// A TarStorage is one storage: a pickle of (key, location, class), the number of its elements in 8 bytes and its elements.
type TarStorage struct {
	Key   int64
	Class string // "torch:FloatStorage"
	Numel int64  // elements
	At    int64  // of its bytes in the member
	Size  int64  // bytes
}

// A TarView is a run of another storage's elements under a key of its own.
type TarView struct{ Key, Root, Offset, Numel int64 }

// In gives the storage that the view is, among those before it.
func (v TarView) In(all map[int64]TarStorage) (TarStorage, error) {
	root, ok := all[v.Root]
	_, again := all[v.Key]
	if !ok || again || v.Offset < 0 || v.Numel < 0 || v.Offset > root.Numel || v.Numel > root.Numel-v.Offset {
		return root, fmt.Errorf("view %d of storage %d, elements %d and %d more, lies outside of it", v.Key, v.Root, v.Offset, v.Numel)
	}
	e, _ := elementOf(root.Class)
	return TarStorage{Key: v.Key, Class: root.Class, Numel: v.Numel, At: root.At + v.Offset*int64(e.size), Size: v.Numel * int64(e.size)}, nil
}

// A TarTensor is a pickle of (key, storage's key, class), then the number of dimensions in 8 bytes, of which torch reads
// four, the sizes, the strides and the offset, each in 8 bytes. Sizes, strides and offset count elements.
type TarTensor struct {
	Key, Storage   int64
	Shape, Strides []int64
	Offset         int64
	At             int64 // of the numbers in the member
}

// maxTarItems bounds the storages and the tensors: the largest models of the time had a thousand, and each is a pickle of
// its own.
const maxTarItems = 10_000

// maxTarRank bounds the dimensions of a tensor; torch has 64 at most.
const maxTarRank = 64

// A tarStream reads a member of pickles with raw bytes between them.
type tarStream struct {
	s   *formats.Source
	pos int64
	// judged is told of each pickle before it is read, and where it ends for the reader that gets furthest.
	judged func(at int64) (end int64, err error)
}

// next reads one pickle. All of today's readers must agree on it: torch reads from an unbuffered file.
func (t *tarStream) next() (m *opcodes.Machine, v opcodes.Value, err error) {
	at, far := t.pos, int64(-1)
	if t.judged != nil {
		if far, err = t.judged(at); err != nil {
			return nil, 0, err
		}
	}
	rep := opcodes.Run(t.s.R, t.s.Size, opcodes.Options{Start: at, Readings: opcodes.Python3, Contents: true})
	for _, o := range rep.Outcomes {
		if o.Err != nil {
			return nil, 0, fmt.Errorf("the pickle at %d does not load: %w", at, o.Err)
		}
	}
	if len(rep.Outcomes) != 1 || rep.Outcomes[0].FileEnd != rep.Outcomes[0].End || far >= 0 && far != rep.Outcomes[0].End {
		return nil, 0, fmt.Errorf("readers differ about where the pickle at %d ends", at)
	}
	t.pos = rep.Outcomes[0].End
	return rep.Machine, rep.Outcomes[0].Value, nil
}

// count reads a pickle of a number from zero on.
func (t *tarStream) count() (int64, error) {
	m, v, err := t.next()
	if err != nil {
		return 0, err
	}
	n, ok := m.Int(v)
	if v.Kind() != opcodes.KindInt || !ok || n < 0 {
		return 0, fmt.Errorf("the member begins with %s, expected how many follow", m.Render(v, 80))
	}
	if n > maxTarItems {
		return 0, fmt.Errorf("the member announces %d storages or tensors, at most %d", n, maxTarItems)
	}
	return n, nil
}

// numbers reads n integers of 8 bytes, little-endian whatever the writer's order was.
func (t *tarStream) numbers(n int) ([]int64, error) {
	b := make([]byte, 8*n)
	if got, _ := t.s.R.ReadAt(b, t.pos); got < len(b) {
		return nil, fmt.Errorf("the member ends at %d, where %d numbers are expected", t.s.Size, n)
	}
	t.pos += int64(len(b))
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out, nil
}

// ReadTarStorages reads the member storages and gives where its last pickle ends. each is called for every storage, and
// ends the reading with its error; what is read by then is given on every error too.
func ReadTarStorages(s *formats.Source, judged func(at int64) (int64, error), each func(TarStorage) error) (views []TarView, end int64, err error) {
	t := &tarStream{s: s, judged: judged}
	n, err := t.count()
	for i := int64(0); i < n && err == nil; i++ {
		var st TarStorage
		if st, err = t.storage(); err == nil {
			err = each(st)
		}
	}
	if err == nil {
		views, err = t.views()
	}
	return views, t.pos, err
}

func (t *tarStream) storage() (st TarStorage, err error) {
	m, v, err := t.next()
	if err != nil {
		return st, err
	}
	items := m.Items(v)
	if v.Kind() != opcodes.KindTuple || len(items) != 3 {
		return st, fmt.Errorf("a storage that is %s, expected (key, location, class)", m.Render(v, 80))
	}
	var okKey bool
	st.Key, okKey = m.Int(items[0])
	_, okPlace := m.Str(items[1])
	class := m.Global(items[2])
	if !okKey || !okPlace || class == nil {
		return st, fmt.Errorf("a storage that is %s, expected (key, location, class)", m.Render(v, 80))
	}
	st.Class = class.Module + ":" + class.Name
	e, known := elementOf(st.Class)
	if !known {
		return st, fmt.Errorf("storage %d is %s, which is no class of torch's storages", st.Key, st.Class)
	}
	numel, err := t.numbers(1)
	if err != nil {
		return st, err
	}
	st.Numel, st.At = numel[0], t.pos
	if st.Numel < 0 || st.Numel > (t.s.Size-t.pos)/int64(e.size) {
		return st, fmt.Errorf("storage %d of %d elements of %d bytes, the member has %d bytes left", st.Key, st.Numel, e.size, t.s.Size-t.pos)
	}
	st.Size = st.Numel * int64(e.size)
	t.pos += st.Size
	return st, nil
}

// views reads the last pickle: a list of (key, root's key, offset, number of elements).
func (t *tarStream) views() (out []TarView, err error) {
	m, v, err := t.next()
	if err != nil {
		return nil, err
	}
	if v.Kind() != opcodes.KindList && v.Kind() != opcodes.KindTuple || !m.Whole(v) {
		return nil, fmt.Errorf("the views of storages are %s, expected a list", m.Render(v, 80))
	}
	for _, item := range m.Items(v) {
		var n [4]int64
		parts := m.Items(item)
		ok := len(parts) == len(n)
		for i := 0; ok && i < len(n); i++ {
			n[i], ok = m.Int(parts[i])
		}
		if !ok {
			return nil, fmt.Errorf("a view that is %s, expected (key, root, offset, elements)", m.Render(item, 80))
		}
		out = append(out, TarView{n[0], n[1], n[2], n[3]})
	}
	return out, nil
}

// ReadTarTensors reads the member tensors, as ReadTarStorages does that of storages.
func ReadTarTensors(s *formats.Source, judged func(at int64) (int64, error), each func(TarTensor) error) (end int64, err error) {
	t := &tarStream{s: s, judged: judged}
	n, err := t.count()
	for i := int64(0); i < n && err == nil; i++ {
		var x TarTensor
		if x, err = t.tensor(); err == nil {
			err = each(x)
		}
	}
	return t.pos, err
}

func (t *tarStream) tensor() (x TarTensor, err error) {
	m, v, err := t.next()
	if err != nil {
		return x, err
	}
	items := m.Items(v)
	ok := v.Kind() == opcodes.KindTuple && len(items) == 3 && m.Global(items[2]) != nil
	if ok {
		x.Key, ok = m.Int(items[0])
	}
	if ok {
		x.Storage, ok = m.Int(items[1])
	}
	if !ok {
		return x, fmt.Errorf("a tensor that is %s, expected (key, storage, class)", m.Render(v, 80))
	}
	x.At = t.pos
	rank, err := t.numbers(1)
	if err != nil {
		return x, err
	}
	dims := int32(rank[0]) // the upper four bytes are skipped
	if dims < 0 || dims > maxTarRank {
		return x, fmt.Errorf("tensor %d has %d dimensions, at most %d", x.Key, dims, maxTarRank)
	}
	rest, err := t.numbers(2*int(dims) + 1)
	if err != nil {
		return x, err
	}
	x.Shape, x.Strides, x.Offset = rest[:dims:dims], rest[dims:2*dims:2*dims], rest[2*dims]
	return x, nil
}
