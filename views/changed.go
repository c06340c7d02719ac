package views

import (
	"strings"

	"trustfs/opcodes"
)

// A view shows what a constructor was called with. So what a call took must be what it still is at the end: where the
// stream changes it afterwards, Python has the older content where it was copied, and the newer where it was not. No
// pickler writes such a stream, except for objects that hold themselves; none is shown.

// tensorMakers are constructors of tensors and arrays beside those of torch._utils.
var tensorMakers = map[string]bool{
	"torch._tensor:_rebuild_from_type_v2": true, "torch.tensor:_rebuild_from_type_v2": true, "torch.storage:_load_from_bytes": true,
	"torch.nn.parameter:Parameter": true, "torch.nn.parameter:Buffer": true, "torch.autograd.variable:Variable": true,
	"numpy.core.multiarray:_reconstruct": true, "numpy._core.multiarray:_reconstruct": true,
	"numpy._core.numeric:_frombuffer": true, "numpy.core.numeric:_frombuffer": true, "joblib.numpy_pickle:NumpyArrayWrapper": true,
}

// stated are those of them that BUILD completes, and how.
var stated = map[string]func(m *opcodes.Machine, state opcodes.Value) bool{
	"torch.nn.parameter:Parameter":          flags,
	"torch.autograd.variable:Variable":      flags,
	"numpy.core.multiarray:_reconstruct":    tuple,
	"numpy._core.multiarray:_reconstruct":   tuple,
	"joblib.numpy_pickle:NumpyArrayWrapper": func(*opcodes.Machine, opcodes.Value) bool { return true },
}

// flags is the state (requires_grad, volatile, hooks) of torch before 0.4; with four or five items it is other data.
func flags(m *opcodes.Machine, state opcodes.Value) bool {
	return state.Kind() == opcodes.KindTuple && m.Len(state) == 3
}

func tuple(_ *opcodes.Machine, state opcodes.Value) bool { return state.Kind() == opcodes.KindTuple }

// makesTensor says that name is a constructor of tensors or arrays.
func makesTensor(name string) bool {
	return strings.HasPrefix(name, "torch._utils:_rebuild") || tensorMakers[name]
}

// steady looks at an event for what changes something that is looked at when the stream has ended.
func (w *interpreter) steady(e *opcodes.Event) error {
	switch e.Kind {
	case opcodes.EvCall:
		return w.frozen(e)
	case opcodes.EvChanged:
		return limit("", "a %s that changes after something was made of it", e.Object.Kind())
	case opcodes.EvBuild:
		w.freeze(e.Args)
		if e.Args.Kind() == opcodes.KindTuple {
			w.freeze(w.m.Items(e.Args)...)
		}
	case opcodes.EvSetItems, opcodes.EvAppends, opcodes.EvAddItems:
	default:
		return nil
	}
	if e.Object.Kind() != opcodes.KindCall {
		return limit("", "%s on what the stream did not make", opcodes.OpName(e.Op))
	}
	name, _, ok := w.callee(e.Object)
	if !ok || !makesTensor(name) {
		return nil
	}
	if form := stated[name]; e.Kind != opcodes.EvBuild || form == nil || !form(w.m, e.Args) || len(w.m.Attached(e.Object)) > 1 || w.taken[e.Object] {
		return limit("", "%s on what %s made, which changes it", opcodes.OpName(e.Op), name)
	}
	return nil
}

// frozen holds what a call takes to what it is now.
func (w *interpreter) frozen(e *opcodes.Event) error {
	if e.Args.NoItems() {
		return nil
	}
	if e.Args.Kind() != opcodes.KindTuple {
		return limit("", "a call whose arguments are no tuple")
	}
	args := w.m.Items(e.Args)
	w.freeze(args...)
	name := ""
	if g := w.m.Global(e.Object); g != nil {
		name = opcodes.Python3Name(g.Module, g.Name).String()
	}
	switch {
	case mappings[name]:
		for _, a := range args {
			if a.Kind() == opcodes.KindTuple || a.Kind() == opcodes.KindList {
				w.freeze(w.m.Items(a)...)
			}
		}
	case strings.HasPrefix(name, "torch._utils:_rebuild_device") && len(args) > 0: // of an array, whose state it has by now
		if w.taken == nil {
			w.taken = map[opcodes.Value]bool{}
		}
		w.taken[args[0]] = true
	}
	return nil
}

// mappings are constructors of mappings, which copy what they are given.
var mappings = map[string]bool{"collections:OrderedDict": true, "builtins:dict": true, "collections:defaultdict": true}

func (w *interpreter) freeze(values ...opcodes.Value) {
	for _, v := range values {
		w.m.Freeze(v)
	}
}

// setters are attributes of a tensor that are other memory when they are set.
const setters = " data _data grad _grad real imag names _base set_ "

// plainState refuses a state that a rebuild function sets as attributes of a tensor, where one may be other memory or is a
// tensor, which a view would not show.
func (w *interpreter) plainState(args []opcodes.Value) error {
	if len(args) < 4 || args[3].Kind() == opcodes.KindNone {
		return nil
	}
	parts := []opcodes.Value{args[3]}
	if args[3].Kind() == opcodes.KindTuple {
		parts = w.m.Items(args[3])
	}
	for _, p := range parts {
		if p.Kind() == opcodes.KindNone {
			continue
		}
		if p.Kind() != opcodes.KindDict || !w.m.Whole(p) {
			return limit("", "a tensor with a state that is no dict")
		}
		items := w.m.Items(p)
		for i := 0; i+1 < len(items); i += 2 {
			key, ok := w.m.Str(items[i])
			name, _, _ := w.callee(items[i+1])
			if !ok || strings.Contains(setters, " "+key+" ") || makesTensor(name) || items[i+1].Kind() == opcodes.KindPersistent {
				return limit("", "a tensor with the attribute %q, which is or may be another tensor", clip(key))
			}
		}
	}
	return nil
}
