package torch

import (
	"math/bits"
	"strings"

	"trustfs/formats"
	"trustfs/formats/pickle"
	"trustfs/opcodes"
)

// An element is a storage class's element type: torch's name of it and its size in bytes.
type element struct {
	dtype string
	size  uint64
}

// elements are the storage classes (torch/storage.py, _storage_type_to_dtype_map; torch/_utils.py). Each exists in
// torch, and on GPUs in torch.cuda; untyped storages count bytes.
var elements = map[string]element{
	"DoubleStorage": {"float64", 8}, "FloatStorage": {"float32", 4}, "HalfStorage": {"float16", 2}, "BFloat16Storage": {"bfloat16", 2},
	"LongStorage": {"int64", 8}, "IntStorage": {"int32", 4}, "ShortStorage": {"int16", 2}, "CharStorage": {"int8", 1}, "ByteStorage": {"uint8", 1},
	"BoolStorage": {"bool", 1}, "ComplexDoubleStorage": {"complex128", 16}, "ComplexFloatStorage": {"complex64", 8},
	"QInt8Storage": {"qint8", 1}, "QUInt8Storage": {"quint8", 1}, "QInt32Storage": {"qint32", 4}, "QUInt4x2Storage": {"quint4x2", 1}, "QUInt2x4Storage": {"quint2x4", 1},
	"UntypedStorage": {"", 1}, "_UntypedStorage": {"", 1},
}

// elementOf looks up a class as pickle.Storage names it, "torch:FloatStorage".
func elementOf(class string) (element, bool) {
	module, name, _ := strings.Cut(class, ":")
	if module != "torch" && module != "torch.cuda" && module != "torch.storage" {
		return element{}, false
	}
	e, ok := elements[name]
	return e, ok
}

// refs are the storages that one pickle refers to, by key.
type refs struct {
	c     *formats.Context
	s     *formats.Source
	byKey map[string]pickle.Storage
	keys  []string // in the order of their first use
}

func newRefs(c *formats.Context, s *formats.Source) *refs {
	return &refs{c: c, s: s, byKey: map[string]pickle.Storage{}}
}

// maxStorages is how many storages a pickle may refer to: each is remembered, and the largest models have some thousands.
const maxStorages = 100_000

// storage is pickle.Options.Storage. One key with two sizes or classes is two readings of the same bytes.
func (r *refs) storage(st pickle.Storage) {
	old, ok := r.byKey[st.Key]
	if !ok && len(r.keys) >= maxStorages {
		r.c.Exceeded(r.s.At(st.Offset), "storages: the pickle refers to more than %d", maxStorages)
		return
	}
	if !ok {
		r.byKey[st.Key] = st
		r.keys = append(r.keys, st.Key)
		return
	}
	if old.Class != st.Class || old.Numel != st.Numel {
		r.c.Addf(formats.RuleFormatMalformed, r.s.At(st.Offset), "storage %q is %s of %d elements here, and %s of %d at %d",
			st.Key, st.Class, st.Numel, old.Class, old.Numel, old.Offset)
	}
}

// bytes is the size that a storage must have; ok is false where the class or number says none.
func size(st pickle.Storage) (n uint64, ok bool) {
	e, ok := elementOf(st.Class)
	if !ok || st.Numel < 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(st.Numel), e.size)
	return lo, hi == 0
}

// rebuilders take (storage, offset, size, stride, ...) in elements of the storage.
var rebuilders = map[opcodes.Name]bool{
	{Module: "torch._utils", Name: "_rebuild_tensor"}:    true,
	{Module: "torch._utils", Name: "_rebuild_tensor_v2"}: true,
	{Module: "torch._utils", Name: "_rebuild_qtensor"}:   true,
}

// handle is pickle.Options.Handler: it checks that a rebuilt tensor stays inside of its storage. torch before 2.10 does
// not in every case (CVE-2026-24747).
func (r *refs) handle(m *opcodes.Machine, e *opcodes.Event) {
	if e.Kind != opcodes.EvCall {
		return
	}
	g := m.Global(e.Object)
	if g == nil || !rebuilders[opcodes.Name{Module: g.Module, Name: g.Name}] {
		return
	}
	args := m.Items(e.Args)
	if len(args) < 4 || args[0].Kind() != opcodes.KindPersistent {
		return // what is no storage is not for this check
	}
	id := m.Items(m.PersistentID(args[0]))
	if len(id) < 5 {
		return
	}
	numel, ok := m.Int(id[4])
	el, known := element{}, false
	if class := m.Global(id[1]); class != nil {
		el, known = elementOf(class.Module + ":" + class.Name)
	}
	if !ok || !known || el.dtype == "" {
		return
	}
	count, why := view(m, args[1], args[2], args[3], uint64(max(numel, 0)))
	if why != "" {
		r.c.Addf(formats.RuleFormatMalformed, r.s.At(e.Offset), "tensor: %s", why)
		return
	}
	if e.Readings&opcodes.C3 != 0 { // each tensor once
		r.c.Result.Facts.Tensors++
		r.c.Result.Facts.Parameters = saturate(r.c.Result.Facts.Parameters, count)
		r.c.Dtype(el.dtype)
	}
}

func saturate(a int64, b uint64) int64 {
	if b > 1<<62 || a > 1<<62 {
		return 1 << 62
	}
	return a + int64(b)
}

// view checks offset, size and stride against a storage of numel elements; it gives the number of elements of the
// tensor, or says what is wrong. What is no number at all is not judged: torch raises.
func view(m *opcodes.Machine, offset, size, stride opcodes.Value, numel uint64) (count uint64, why string) {
	off, ok := m.Int(offset)
	sizes, ok1 := numbers(m, size)
	strides, ok2 := numbers(m, stride)
	switch {
	case !ok || len(m.Items(size)) != len(m.Items(stride)):
		return 0, "offset, size and stride are not a number and two tuples of one length"
	case off >= 0 && !(ok1 && ok2):
		return 0, "size or stride is not a tuple of numbers from zero on"
	}
	return reach(off, sizes, strides, numel)
}

func numbers(m *opcodes.Machine, v opcodes.Value) (out []int64, ok bool) {
	for _, item := range m.Items(v) {
		n, ok := m.Int(item)
		if !ok {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// reach is view of numbers.
func reach(off int64, sizes, strides []int64, numel uint64) (count uint64, why string) {
	if off < 0 {
		return 0, "a negative offset"
	}
	last, empty := uint64(off), false
	count = 1
	for i, n := range sizes {
		step := strides[i]
		if n < 0 || step < 0 {
			return 0, "size or stride is not a tuple of numbers from zero on"
		}
		if n == 0 {
			empty = true
			continue
		}
		hi, reach := bits.Mul64(uint64(n-1), uint64(step))
		hi2, product := bits.Mul64(count, uint64(n))
		var carry uint64
		last, carry = bits.Add64(last, reach, 0)
		if hi|hi2|carry != 0 {
			return 0, "more than 2^64 elements"
		}
		count = product
	}
	if empty {
		return 0, ""
	}
	if last >= numel {
		return 0, "its last element is outside of its storage"
	}
	return count, ""
}
