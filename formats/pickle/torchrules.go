package pickle

import (
	"bytes"
	"io"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// ruleFromTensor: torch calls methods of the first argument, which must be what a rebuild function made.
func ruleFromTensor(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	if j.tensor(k.m, args[0]) {
		return ""
	}
	return "of " + describe(k.m, args[0]) + ", which no rebuild function made"
}

// ruleTensors: torch calls methods of each argument that is not None.
func ruleTensors(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	for _, a := range args {
		if a.Kind() != opcodes.KindNone && !j.tensor(k.m, a) {
			return "of " + describe(k.m, a) + ", which no rebuild function made"
		}
	}
	return ""
}

// tensor says that v is a tensor, array or storage.
func (j *judge) tensor(m *opcodes.Machine, v opcodes.Value) bool {
	n := j.made(m, v)
	return v.Kind() == opcodes.KindPersistent && j.isStorage(m, v) || n.allowed() && (n.module == "torch._utils" || n.rule() == globals.RuleFromTensor ||
		n.rule() == globals.RuleFromTypeV2 || n.rule() == globals.RuleClass && n.verdict.Preset == "numpy" ||
		n.isWrapper() || n.is("numpy.core.numeric:_frombuffer", "numpy._core.numeric:_frombuffer"))
}

// rebuilt says that n makes tensors that torch's own pickling gives neither a state nor items.
func (n *name) rebuilt() bool {
	return n.allowed() && (n.module == "torch._utils" || n.rule() == globals.RuleFromTypeV2)
}

// holdsMemory says that n makes tensors or arrays: their items are bytes, which no pickler sets one by one. Several may
// share them.
func (n *name) holdsMemory() bool {
	switch n.rule() {
	case globals.RuleFromTensor, globals.RuleFromStorage, globals.RuleParameterState, globals.RuleWrapperSubclass, globals.RuleTensors:
		return true
	}
	return n.rebuilt() || n.rule() == globals.RuleClass && n.verdict.Preset == "numpy" ||
		n.is("numpy.core.numeric:_frombuffer", "numpy._core.numeric:_frombuffer")
}

// isStorage: what the persistent id of a storage names, or what torch loads from bytes, which are inspected. Any other
// persistent id may name any object, and so may one that was no storage's when the machine still had it.
func (j *judge) isStorage(m *opcodes.Machine, v opcodes.Value) bool {
	if v.Kind() != opcodes.KindPersistent {
		return j.made(m, v).rule() == globals.RuleNested
	}
	return m.Noted(v)
}

// ruleFromStorage: torch calls methods of the storage.
func ruleFromStorage(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	if !j.isStorage(k.m, args[0]) {
		return "of " + describe(k.m, args[0]) + ", which is no storage"
	}
	return ""
}

// ruleSame: torch.jit's marks of containers return their argument, so that the result stands for it: it must be what
// this stream made with opcodes, a storage, or such a result.
func ruleSame(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 || len(args) > 2 {
		return unseen
	}
	if v := args[0]; v.Unknown() && (v.Kind() != opcodes.KindPersistent || !j.isStorage(k.m, v)) && j.made(k.m, v).rule() != globals.RuleSame {
		return "of " + describe(k.m, v) + ", which it returns"
	}
	return ""
}

func ruleWrapperSubclass(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	if n := j.nameOf(k.m, args[0]); n.allowed() && n.verdict.Preset == "torch" {
		return ""
	}
	return "of " + describe(k.m, args[0]) + ", which is no allowed tensor class"
}

// ruleParameterState: the fourth argument becomes attributes.
func ruleParameterState(j *judge, k *call) string {
	if why := ruleFromTensor(j, k); why != "" {
		return why
	}
	if args, _ := k.positional(); len(args) > 3 {
		return j.tensorState(k.m, args[3])
	}
	return ""
}

// ruleFromTypeV2: torch._tensor._rebuild_from_type_v2(func, type, args, state) calls func(*args), casts to type, and
// sets state as BUILD would.
func ruleFromTypeV2(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 4 {
		return unseen
	}
	inner := call{m: k.m, offset: k.offset, callee: args[0], args: args[2], name: j.nameOf(k.m, args[0])}
	if !inner.name.allowed() || inner.name.module != "torch._utils" {
		return "calls " + describe(k.m, args[0]) + ", which is no rebuild function"
	}
	if why := j.objection(&inner); why != "" {
		return "calls " + describe(k.m, args[0]) + ": " + why
	}
	if n := j.nameOf(k.m, args[1]); !n.allowed() || n.verdict.Preset != "torch" {
		return "as " + describe(k.m, args[1]) + ", which is no allowed tensor class"
	}
	return j.tensorState(k.m, args[3])
}

// ruleNested: the bytes are a model that a loader reads: inspected as such, with every inspector.
func ruleNested(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 1 {
		return unseen
	}
	if j.c.Nested == nil {
		return "its bytes cannot be inspected here"
	}
	if off, n, ok := k.m.Place(args[0]); ok {
		j.inspectBytes(k.offset, off, io.NewSectionReader(j.s.R, off, n), n)
		return ""
	}
	data, ok := j.encoded(k.m, args[0])
	if !ok {
		return "of " + describe(k.m, args[0]) + ", whose bytes are not known"
	}
	_, _, made := k.m.Call(args[0])
	j.inspectBytes(k.offset, made, bytes.NewReader(data), int64(len(data)))
	return ""
}
