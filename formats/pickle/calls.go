package pickle

import (
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// A call is a call that a reader makes, as its rule judges it.
type call struct {
	m      *opcodes.Machine
	offset int64
	callee opcodes.Value
	args   opcodes.Value // a tuple, or another iterable
	kwargs opcodes.Value // of NEWOBJ_EX
	name   *name         // of the callee; nil if it is no name
	op     byte          // the opcode; 0 when a function makes the call
}

// again says that e is, but for its result, a call that was judged before and allowed: of the same name, by the same
// opcode, without any argument. Nothing else counts then, and nothing is left to be told.
func (j *judge) again(m *opcodes.Machine, e *opcodes.Event) bool {
	g := m.Global(e.Object)
	if g == nil || !e.Args.NoItems() || e.KwArgs != 0 || g.ID >= len(j.names) || len(j.stored) > 0 {
		return false
	}
	n := j.names[g.ID]
	return n != nil && n.shown && n.bare == e.Op
}

// call judges a call when it is made, whatever becomes of its result.
func (j *judge) call(m *opcodes.Machine, e *opcodes.Event) {
	var k call // field by field: a literal would be made elsewhere and copied
	k.m, k.offset, k.op = m, e.Offset, e.Op
	k.callee, k.args, k.kwargs = e.Object, e.Args, e.KwArgs
	if g := globalOf(m, e.Object); g != nil {
		k.name = j.name(g)
	} else {
		k.name = j.reached(m, e.Object)
	}
	if r := k.name.rule(); r != globals.RuleDtype && r != globals.RuleEncode { // bytes of a type's unit, below protocol 3
		j.other = e.Offset
	}
	j.record(&k, e.Op)
	if why := j.objection(&k); why != "" {
		j.find(formats.RuleReduce, e.Offset, calledText(&k, e.Op)+": "+why, presetOf(k.name))
	} else if k.args.NoItems() && k.kwargs == 0 && k.name != nil && !k.name.wrapper { // remember looks at each wrapper
		k.name.bare = e.Op
	}
	j.remember(&k, e.Result)
}

// objection says why a call is not allowed, or "".
func (j *judge) objection(k *call) string {
	n := k.name
	switch {
	case n == nil && j.partialOfCallable(k):
		return ""
	case n == nil:
		return "calls " + describe(k.m, k.callee)
	case n.verdict.Status == globals.Dangerous:
		return "a dangerous call: " + n.verdict.Reason
	case n.verdict.Status != globals.Allowed:
		return "a call of what no enabled preset allows"
	case n.verdict.Use == globals.UseValue:
		return "may be a value, not called: " + n.verdict.Reason
	case n.verdict.Use == globals.UseCall:
		return j.objectArgument(k)
	}
	return j.byArguments(k)
}

// careful says that objectArgument must look at what n is called with.
func careful(n *name) bool {
	return n.verdict.Preset == "python" && n.module != "datetime" && !strings.HasSuffix(n.text, "Error") &&
		!n.is("builtins:Exception", "builtins:StopIteration", "builtins:slice")
}

// objectArgument: Python's own constructors ask what they are given for methods by name, and an object that BUILD fills
// may have any: dict and OrderedDict for keys, UUID for replace; str prints a module by what its extra_repr says.
func (j *judge) objectArgument(k *call) string {
	if !k.name.careful {
		return ""
	}
	args := k.m.Items(k.args)
	if k.kwargs.Kind() == opcodes.KindDict {
		args = append(args, k.m.Items(k.kwargs)...)
	}
	for _, v := range args {
		if j.hasMethods(k.m, v) {
			return "of " + describe(k.m, v) + ", whose methods it may call"
		}
	}
	return ""
}

// hasMethods says that v is an object whose attributes come from the file and may shadow its methods.
func (j *judge) hasMethods(m *opcodes.Machine, v opcodes.Value) bool {
	n := j.made(m, v)
	if n == nil && (v.Kind() == opcodes.KindCall || forgotten(m, v)) {
		return true // made by a stored call, or by nobody knows what
	}
	switch n.rule() {
	case globals.RuleNew, globals.RuleSideFile:
		return !n.wrapper
	case globals.RuleReconstructor, globals.RuleNewobj, globals.RulePartial, globals.RuleGetattr:
		return true
	case globals.RuleDtype, globals.RuleBitgen:
		return false
	case globals.RuleClass:
		return n.verdict.Preset != "numpy" && m.Built(v)
	}
	return m.Built(v) // an exception, an OrderedDict: all that has a __dict__
}

func presetOf(n *name) string {
	if n == nil || n.verdict.Status != globals.Unknown {
		return ""
	}
	return n.verdict.Preset
}

// record puts the call among the facts: each allowed callable once, every other call while there is room.
func (j *judge) record(k *call, op byte) {
	calls := &j.c.Result.Facts.Calls
	if j.told(k.offset) || len(*calls) >= formats.MaxCalls {
		return
	}
	if k.name.allowed() {
		if k.name.shown {
			return
		}
		if k.name.shown = true; j.shown[k.name.text] { // to another group of readers
			return
		}
		j.shown[k.name.text] = true
	}
	*calls = append(*calls, calledText(k, op))
}

// calledText renders a call for people: "posix.system('id')", "INST os.system()" for the opcodes beside REDUCE.
func calledText(k *call, op byte) string {
	text := describe(k.m, k.callee)
	if k.name != nil {
		text = k.name.text
	}
	if prefix := opcodes.OpName(op); prefix != "REDUCE" {
		text = prefix + " " + text
	}
	text += renderArgs(k.m, k.args, 300)
	if k.kwargs.Kind() != opcodes.KindInvalid {
		text += " with " + render(k.m, k.kwargs, 80)
	}
	return text
}
