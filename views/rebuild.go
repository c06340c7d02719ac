package views

import (
	"strings"

	"trustfs/opcodes"
)

// maxWrapping bounds constructors around one another: a Parameter of a tensor of a subclass.
const maxWrapping = 8

// unshowable are constructors of tensors that a safetensors file has no form for.
var unshowable = map[string]string{
	"torch._utils:_rebuild_qtensor":                       "quantised tensors have no safetensors type",
	"torch._utils:_rebuild_sparse_tensor":                 "sparse tensors have no safetensors form",
	"torch._utils:_rebuild_sparse_csr_tensor":             "sparse tensors have no safetensors form",
	"torch._utils:_rebuild_nested_tensor":                 "nested tensors have no safetensors form",
	"torch._utils:_rebuild_meta_tensor_no_storage":        "meta tensors have no bytes",
	"torch._utils:_rebuild_wrapper_subclass":              "tensor subclasses without storage have no bytes of their own",
	"torch._utils:_rebuild_device_tensor_from_cpu_tensor": "device tensors are not shown",
	"torch.storage:_load_from_bytes":                      "storages pickled into bytes are not shown",
}

// tensor recognises the constructors of tensors. ok is false for what is no tensor.
func (w *interpreter) tensor(v opcodes.Value, depth int) (t Tensor, ok bool, err error) {
	if v.Kind() == opcodes.KindPersistent && w.in.tensor != nil {
		return w.in.tensor(w, w.m.PersistentID(v))
	}
	name, args, known := w.callee(v)
	if !known {
		return t, false, nil
	}
	if why, bad := unshowable[name]; bad {
		return t, false, limit("", "%s: %s", name, why)
	}
	if depth > maxWrapping {
		return t, false, limit("", "constructors wrapped deeper than %d", maxWrapping)
	}
	switch name {
	case "torch._utils:_rebuild_tensor":
		return w.torchTensor(args, 4, false)
	case "torch._utils:_rebuild_tensor_v2":
		return w.torchTensor(args, 4, false)
	case "torch._utils:_rebuild_tensor_v3":
		return w.torchTensor(args, 7, true)
	case "torch._utils:_rebuild_parameter":
		return w.wrapped(args, 0, depth)
	case "torch._utils:_rebuild_parameter_with_state":
		if err := w.plainState(args); err != nil {
			return t, false, err
		}
		return w.wrapped(args, 0, depth)
	case "torch.nn.parameter:Parameter", "torch.autograd.variable:Variable": // torch before 0.4
		return w.variable(args, depth)
	case "torch._tensor:_rebuild_from_type_v2", "torch.tensor:_rebuild_from_type_v2":
		return w.fromType(args, depth)
	case "torch._utils:_rebuild_device_tensor_from_numpy":
		return w.wrapped(args, 0, depth)
	case "numpy.core.multiarray:_reconstruct", "numpy._core.multiarray:_reconstruct":
		return w.numpyArray(v)
	case "numpy._core.numeric:_frombuffer", "numpy.core.numeric:_frombuffer":
		return w.numpyBuffer(args)
	case "joblib.numpy_pickle:NumpyArrayWrapper":
		return w.wrappedArray(v)
	}
	return t, false, nil
}

// wrapped is a constructor around another one.
func (w *interpreter) wrapped(args []opcodes.Value, i, depth int) (Tensor, bool, error) {
	if len(args) <= i {
		return Tensor{}, false, limit("", "a wrapper around what is no tensor")
	}
	t, ok, err := w.tensor(args[i], depth+1)
	if err == nil && !ok {
		err = limit("", "a wrapper around what is no tensor")
	}
	return t, ok, err
}

// variable is Parameter(data) or Variable(data), made by NEWOBJ; what its state adds are flags and hooks. Before torch 0.1.6
// the data stood in the state.
func (w *interpreter) variable(args []opcodes.Value, depth int) (Tensor, bool, error) {
	if len(args) == 0 {
		return Tensor{}, false, limit("", "a parameter without data")
	}
	return w.wrapped(args, 0, depth)
}

// fromType is _rebuild_from_type_v2(func, type, args, state): func(*args), of another class.
func (w *interpreter) fromType(args []opcodes.Value, depth int) (Tensor, bool, error) {
	if len(args) != 4 {
		return Tensor{}, false, limit("", "_rebuild_from_type_v2 with %d arguments", len(args))
	}
	g := w.m.Global(args[0])
	if g == nil || args[2].Kind() != opcodes.KindTuple {
		return Tensor{}, false, limit("", "_rebuild_from_type_v2 of what is no name, or arguments that are no tuple")
	}
	if err := w.plainState(args); err != nil {
		return Tensor{}, false, err
	}
	inner := w.m.Items(args[2])
	switch name := g.Module + ":" + g.Name; name {
	case "torch._utils:_rebuild_tensor_v2", "torch._utils:_rebuild_tensor":
		return w.torchTensor(inner, 4, false)
	case "torch._utils:_rebuild_tensor_v3":
		return w.torchTensor(inner, 7, true)
	case "torch._utils:_rebuild_parameter":
		return w.wrapped(inner, 0, depth)
	case "torch._utils:_rebuild_parameter_with_state":
		if err := w.plainState(inner); err != nil {
			return Tensor{}, false, err
		}
		return w.wrapped(inner, 0, depth)
	default:
		return Tensor{}, false, limit("", "_rebuild_from_type_v2 of %s", name)
	}
}

// torchTensor is _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None)
// and its kin; _v3 has the dtype as its seventh argument, and metadata after it. Numbers are in elements.
func (w *interpreter) torchTensor(args []opcodes.Value, least int, v3 bool) (t Tensor, ok bool, err error) {
	if len(args) < least {
		return t, false, limit("", "a tensor of %d arguments, expected %d", len(args), least)
	}
	if err := w.plainMetadata(args, v3); err != nil {
		return t, false, err
	}
	if args[0].Kind() != opcodes.KindPersistent || w.in.storage == nil {
		return t, false, limit("", "a tensor whose storage the file does not hold by itself")
	}
	s, err := w.in.storage(w, w.m.PersistentID(args[0]))
	if err != nil {
		return t, false, err
	}
	t.Dtype = s.dtype
	if v3 {
		if t.Dtype, err = w.torchDtype(args[6]); err != nil {
			return t, false, err
		}
	} else if !s.typed {
		return t, false, limit("", "an untyped storage under a constructor that names no type")
	}
	if s.swap && t.Dtype.Size != s.dtype.Size {
		return t, false, limit("", "a tensor of another type than its storage, in the other byte order: torch swaps by the storage's")
	}
	offset, isInt := w.m.Int(args[1])
	shape, fits := w.ints(args[2])
	strides, fits2 := w.ints(args[3])
	if !isInt || !fits || !fits2 || len(shape) != len(strides) {
		return t, false, limit("", "storage offset, size or stride are not what torch writes: a number and two tuples")
	}
	t.Shape, t.Strides, t.Member, t.Swap = shape, strides, s.member, s.swap
	return t, true, t.place(s, offset)
}

// place checks that a strided tensor lies inside its storage (CVE-2026-24747 is what happens when it does not), and works
// out where its first element is.
func (t *Tensor) place(s storage, offset int64) error {
	for _, n := range t.Shape {
		if n < 0 {
			return limit("", "a negative size in %v", t.Shape)
		}
	}
	for _, n := range t.Strides {
		if n < 0 {
			return limit("", "a negative stride in %v, which torch does not have", t.Strides)
		}
	}
	low, high, ok := span(t.Shape, t.Strides)
	if !ok {
		return limit("", "shape %v and strides %v overflow", t.Shape, t.Strides)
	}
	elements := s.bytes / t.Dtype.Size
	if high < low { // no element: torch keeps whatever offset the slice had
		return nil
	}
	if offset < 0 || offset > elements || offset+high >= elements {
		return limit("", "elements %d to %d of a storage that has %d", offset+low, offset+high, elements)
	}
	t.Source = s.at + offset*t.Dtype.Size
	return nil
}

// plainMetadata refuses the bits of a tensor that its bytes do not show: a lazy conjugate or negative.
func (w *interpreter) plainMetadata(args []opcodes.Value, v3 bool) error {
	i := 6
	if v3 {
		i = 7
	}
	if len(args) <= i || args[i].Kind() == opcodes.KindNone {
		return nil
	}
	for _, bit := range []string{"conj", "neg"} {
		if v, ok := w.m.Get(args[i], bit); ok && v.Kind() != opcodes.KindFalse {
			return limit("", "a tensor with its %s bit set", bit)
		}
	}
	return nil
}

// ints reads a tuple or torch.Size of integers. A list may be another when the tensor has been made of it.
func (w *interpreter) ints(v opcodes.Value) ([]int64, bool) {
	items := w.m.Items(v)
	if v.Kind() == opcodes.KindCall {
		name, args, _ := w.callee(v)
		if name != "torch:Size" || len(args) != 1 {
			return nil, false
		}
		v, items = args[0], w.m.Items(args[0])
	}
	if v.Kind() != opcodes.KindTuple || !w.m.Whole(v) || len(items) > MaxRank {
		return nil, false
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, ok := w.m.Int(item)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// torchDtype reads a reference to torch.<dtype>.
func (w *interpreter) torchDtype(v opcodes.Value) (Dtype, error) {
	g := w.m.Global(v)
	if g == nil || g.Module != "torch" {
		return Dtype{}, limit("", "a dtype that is no name of torch")
	}
	d, ok := torchDtypes[g.Name]
	if !ok {
		return Dtype{}, limit("", "torch.%s has no safetensors type", clip(g.Name))
	}
	return d, nil
}

// storageDtype reads the storage type of a persistent id: torch.FloatStorage, torch.storage.UntypedStorage.
func (w *interpreter) storageDtype(v opcodes.Value) (d Dtype, typed bool, err error) {
	g := w.m.Global(v)
	if g == nil {
		return d, false, limit("", "a storage type that is no name of torch")
	}
	d, err = storageType(g.Module + ":" + g.Name)
	return d, err == nil && !strings.HasPrefix(g.Name, "Untyped"), err
}

// storageType is the element type of a class of storages: "torch:FloatStorage", or that of another device.
func storageType(class string) (Dtype, error) {
	module, name, _ := strings.Cut(class, ":")
	if module != "torch" && module != "torch.cuda" && module != "torch.storage" {
		return Dtype{}, limit("", "a storage type that is no name of torch")
	}
	d, ok := storageDtypes[name]
	if !ok {
		return d, limit("", "%s has no safetensors type", clip(name))
	}
	return d, nil
}

func clip(s string) string { return s[:min(len(s), 80)] }
