package views

import (
	"math/bits"
	"regexp"

	"trustfs/opcodes"
)

// numpyTypes maps the kind and width of a numpy type string ("f4") to safetensors.
var numpyTypes = map[string]Dtype{
	"f8": f64, "f4": f32, "f2": f16, "i8": i64, "i4": i32, "i2": i16, "i1": i8, "u8": u64, "u4": u32, "u2": u16, "u1": u8,
	"b1": flag, "c8": c64,
}

var typeString = regexp.MustCompile(`^([<>=|]?)([fiubc][0-9]+)$`)

// numpyType reads a type string, with an order that overrides its own if not empty.
func numpyType(s, order string) (d Dtype, swap bool, err error) {
	m := typeString.FindStringSubmatch(s)
	if m == nil {
		return d, false, limit("", "numpy type %q has no safetensors type", clip(s))
	}
	d, ok := numpyTypes[m[2]]
	if !ok {
		return d, false, limit("", "numpy type %q has no safetensors type", clip(s))
	}
	if order == "" {
		order = m[1]
	}
	return d, order == ">" && d.Size > 1, nil
}

// numpyDtype reads numpy.dtype('f4', False, True) with the state (3, '<', None, None, None, -1, -1, 0).
func (w *interpreter) numpyDtype(v opcodes.Value) (d Dtype, swap bool, err error) {
	name, args, ok := w.callee(v)
	if !ok || name != "numpy:dtype" || len(args) == 0 {
		return d, false, limit("", "a dtype that is no numpy.dtype")
	}
	s, ok := w.m.Str(args[0])
	if !ok {
		return d, false, limit("", "a numpy.dtype of what is no string")
	}
	order := ""
	for _, a := range w.m.Attached(v) {
		state := w.m.Items(a.Args)
		if a.Kind != opcodes.EvBuild || a.Args.Kind() != opcodes.KindTuple || len(state) < 2 || len(w.m.Attached(v)) > 1 {
			return d, false, limit("", "a numpy.dtype with a state that is not numpy's")
		}
		for _, part := range state[2:min(len(state), 5)] {
			if part.Kind() != opcodes.KindNone && part.Kind() != opcodes.KindInt {
				return d, false, limit("", "a numpy.dtype with fields of its own")
			}
		}
		if order, ok = w.m.Str(state[1]); !ok {
			return d, false, limit("", "a numpy.dtype whose byte order is no string")
		}
	}
	return numpyType(s, order)
}

// numpyArray reads _reconstruct(ndarray, (0,), b'b') with the state (version, shape, dtype, is_fortran, data).
func (w *interpreter) numpyArray(v opcodes.Value) (t Tensor, ok bool, err error) {
	states := w.m.Attached(v)
	if len(states) != 1 || states[0].Kind != opcodes.EvBuild {
		return t, false, limit("", "a numpy array whose state is not numpy's")
	}
	state := w.m.Items(states[0].Args)
	if len(state) == 5 {
		state = state[1:]
	}
	if len(state) != 4 {
		return t, false, limit("", "a numpy array whose state has %d items", len(state))
	}
	if state[3].Kind() == opcodes.KindList { // an object array holds Python objects: walked, not shown
		return t, false, nil
	}
	if t.Dtype, t.Swap, err = w.numpyDtype(state[1]); err != nil {
		return t, false, err
	}
	shape, fits := w.ints(state[0])
	if !fits {
		return t, false, limit("", "a numpy array whose shape is no tuple of integers")
	}
	return w.numpyBytes(t, shape, state[2].Kind() == opcodes.KindTrue, state[3])
}

// numpyBuffer reads _frombuffer(data, dtype, shape, order), as protocol 5 writes arrays.
func (w *interpreter) numpyBuffer(args []opcodes.Value) (t Tensor, ok bool, err error) {
	if len(args) != 4 {
		return t, false, limit("", "numpy's _frombuffer with %d arguments", len(args))
	}
	if t.Dtype, t.Swap, err = w.numpyDtype(args[1]); err != nil {
		return t, false, err
	}
	shape, fits := w.ints(args[2])
	order, isStr := w.m.Str(args[3])
	if !fits || !isStr {
		return t, false, limit("", "numpy's _frombuffer with arguments that are not numpy's")
	}
	return w.numpyBytes(t, shape, order == "F", args[0])
}

// numpyBytes places an array's bytes, which lie in the pickle itself.
func (w *interpreter) numpyBytes(t Tensor, shape []int64, fortran bool, data opcodes.Value) (Tensor, bool, error) {
	n, ok := product(append([]int64{t.Dtype.Size}, shape...)...)
	if !ok {
		return t, false, limit("", "shape %v overflows", shape)
	}
	t.Shape = shape
	if fortran {
		t.Strides = columnMajor(shape)
	}
	if n == 0 {
		return t, true, nil
	}
	var err error
	t.Source, t.Member, err = w.bytesOf(data, n)
	return t, err == nil, err
}

func columnMajor(shape []int64) []int64 {
	strides := make([]int64, len(shape))
	n := int64(1)
	for i, d := range shape {
		strides[i] = n
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > 1<<62 {
			lo = 0 // another dimension is zero, or the product was refused before
		}
		n = int64(lo)
	}
	return strides
}

// A rawArray is where the bytes of an array lie that joblib wrote between opcodes.
type rawArray struct {
	t  Tensor
	at int64
}

// rawArrayAt reads the state of a joblib.numpy_pickle.NumpyArrayWrapper (subclass, shape, order, dtype, allow_mmap,
// numpy_array_alignment_bytes) and says how many raw bytes follow it.
func (w *interpreter) rawArrayAt(e *opcodes.Event) (skip int64, err error) {
	name, _, ok := w.callee(e.Object)
	if !ok || name != "joblib.numpy_pickle:NumpyArrayWrapper" {
		return 0, nil
	}
	get := func(key string) opcodes.Value { v, _ := w.m.Get(e.Args, key); return v }
	var a rawArray
	if a.t.Dtype, a.t.Swap, err = w.numpyDtype(get("dtype")); err != nil {
		return 0, err
	}
	shape, fits := w.ints(get("shape"))
	order, isStr := w.m.Str(get("order"))
	n, fits2 := product(append([]int64{a.t.Dtype.Size}, shape...)...)
	if !fits || !isStr || !fits2 {
		return 0, limit("", "a NumpyArrayWrapper whose state is not joblib's")
	}
	a.t.Shape, a.at = shape, e.Data
	if order == "F" {
		a.t.Strides = columnMajor(shape)
	}
	if align := get("numpy_array_alignment_bytes"); align.Kind() == opcodes.KindInt {
		// One byte says how much padding follows it.
		b := make([]byte, 1)
		if err := readFull(w.in.r, b, e.Data); err != nil {
			return 0, limit("", "an array beyond the end of the file")
		}
		a.at += 1 + int64(b[0])
	}
	if a.at > w.in.size || n > w.in.size-a.at {
		return 0, limit("", "an array of %d bytes beyond the end of the file", n)
	}
	w.m.Pin(e.Object)
	w.arrays[e.Object] = a
	return a.at + n - e.Data, nil
}

// wrappedArray is the array behind a NumpyArrayWrapper.
func (w *interpreter) wrappedArray(v opcodes.Value) (t Tensor, ok bool, err error) {
	a, ok := w.arrays[v]
	if !ok || w.in.base < 0 {
		return t, false, limit("", "an array that joblib keeps elsewhere")
	}
	a.t.Source, a.t.Member = w.in.base+a.at, w.in.member
	return a.t, true, nil
}
