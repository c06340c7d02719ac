package pickle

import (
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

func rulePartial(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	return j.partialFunction(k.m, args[0])
}

// partialFunction says why a stored call may not be of v, or "". Namespaces take any keyword for an attribute.
func (j *judge) partialFunction(m *opcodes.Machine, v opcodes.Value) string {
	if n := j.nameOf(m, v); !j.allowedCallable(m, v) || n.is("types:SimpleNamespace", "argparse:Namespace") || onlyNamed(n) {
		return "of " + describe(m, v) + ", which is no allowed function"
	}
	return ""
}

// partialState: functools.partial.__setstate__((function, args, keywords, attributes)).
func (j *judge) partialState(m *opcodes.Machine, obj, state opcodes.Value) string {
	items := m.Items(state)
	if state.Kind() != opcodes.KindTuple || len(items) != 4 {
		return "a state that is no tuple of four"
	}
	if why := j.partialFunction(m, items[0]); why != "" {
		return why
	}
	if n := j.nameOf(m, items[0]); n.verdict.Use != globals.UseCall {
		j.stored[obj] = true
	}
	if items[1].Kind() != opcodes.KindTuple {
		return "arguments that are no tuple of this stream: " + describe(m, items[1])
	}
	for _, v := range items[2:] {
		if why := j.attributes(m, v); why != "" {
			return why
		}
	}
	return ""
}

// partialOfCallable: a stored call of a function that may be called with any arguments, to be made now.
func (j *judge) partialOfCallable(k *call) bool {
	if j.made(k.m, k.callee).rule() != globals.RulePartial || j.stored[k.callee] {
		return false
	}
	_, args, _ := k.m.Call(k.callee)
	items := k.m.Items(args)
	if len(items) == 0 {
		return false
	}
	n := j.nameOf(k.m, items[0])
	return n.allowed() && n.verdict.Use == globals.UseCall
}
