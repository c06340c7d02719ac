package pickle

import (
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// build judges BUILD: __setstate__, or items of __dict__ and attributes, of an object.
func (j *judge) build(m *opcodes.Machine, e *opcodes.Event) {
	if j.notOurs(m, e, "BUILD") || e.Object.Kind() != opcodes.KindCall {
		return
	}
	n := j.made(m, e.Object)
	var why string
	switch n.rule() {
	case globals.RuleDtype:
		why = j.dtypeState(m, e)
	case globals.RulePartial:
		why = j.partialState(m, e.Object, e.Args)
	case globals.RuleSideFile:
		why = j.sideFileState(m, e.Args)
	default:
		if why = j.stateObjection(m, n, e.Args); why == "" && n.is(joblibWrappers...) {
			why = j.wrapperKeys(m, e.Args, arrayKeys)
		}
	}
	if why != "" {
		text := describe(m, e.Object)
		if n != nil {
			text = n.text
		}
		j.find(formats.RuleReduce, e.Offset, "BUILD of "+text+": "+why, "")
	}
	if n.is(joblibWrappers...) {
		j.joblibArray(m, e)
	}
}

// notOurs finds changes of what this stream did not make: a name's value, which the whole process shares (numpy.size
// and BUILD reach eval), or what an allowed call only looks up.
func (j *judge) notOurs(m *opcodes.Machine, e *opcodes.Event, op string) bool {
	switch e.Object.Kind() {
	case opcodes.KindCall:
		switch n := j.made(m, e.Object); n.rule() {
		case globals.RuleShared, globals.RuleGetattr, globals.RuleType, globals.RuleSame:
			j.find(formats.RuleGlobalMutated, e.Offset, op+" on what "+n.text+" looks up", "")
			return true
		}
		return false
	case opcodes.KindGlobal:
		j.find(formats.RuleGlobalMutated, e.Offset, op+" on "+describe(m, e.Object), "")
		return true
	}
	if e.Object.Unknown() {
		j.find(formats.RuleGlobalMutated, e.Offset, op+" on a "+e.Object.Kind().String()+" value, which this stream did not make", "")
		return true
	}
	return false // the machine's own containers and literals
}

// plainDicts are classes whose items are looked up by nothing but items.
var plainDicts = []string{"builtins:dict", "__builtin__:dict", "collections:OrderedDict", "collections:Counter",
	"collections:defaultdict", "collections:UserDict"}

// plainLists are classes whose append, extend and add are their own and cannot be replaced by an attribute.
var plainLists = []string{"builtins:list", "__builtin__:list", "collections:deque", "builtins:set", "__builtin__:set",
	"builtins:bytearray", "__builtin__:bytearray", "array:array"}

// mutate judges SETITEM(S), APPEND(S) and ADDITEMS on what is no container of this stream.
func (j *judge) mutate(m *opcodes.Machine, e *opcodes.Event) {
	op := opcodes.OpName(e.Op)
	if j.notOurs(m, e, op) || e.Object.Kind() != opcodes.KindCall {
		return
	}
	n := j.made(m, e.Object)
	if !n.allowed() {
		j.find(formats.RuleReduce, e.Offset, op+" on "+describe(m, e.Object)+", of which nothing is known", presetOf(n))
		return
	}
	if e.Kind != opcodes.EvSetItems {
		if !n.is(plainLists...) {
			j.find(formats.RuleReduce, e.Offset, op+" on an object of "+n.text+", which may call an attribute", "")
		}
		return
	}
	if n.is(plainDicts...) {
		return
	}
	items := m.Items(e.Args)
	j.spend(e.Offset, len(items))
	if !m.Whole(e.Args) {
		j.truncated = true
	}
	for i := 0; i+1 < len(items); i += 2 {
		if why := keyObjection(m, items[i]); why != "" {
			j.find(formats.RuleReduce, e.Offset, op+" on an object of "+n.text+": "+why, "")
		}
	}
}

func keyObjection(m *opcodes.Machine, key opcodes.Value) string {
	if key.Unknown() {
		if key.Kind() == opcodes.KindGlobal {
			return "" // a class or constant as a key is no attribute's name
		}
		return "an attribute whose name exists only at run time: " + describe(m, key)
	}
	if m.Len(key) > 200 {
		return ""
	}
	if s, ok := text(m, key, 200); ok && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__") {
		return "sets the special attribute " + s
	}
	return ""
}
