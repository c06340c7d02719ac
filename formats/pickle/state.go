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
		why = j.stateObjection(m, e.Args)
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
		case globals.RuleShared, globals.RuleGetattr, globals.RuleType:
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
		return // the call is a finding already
	}
	j.filled[e.Object] = true
	if e.Kind != opcodes.EvSetItems {
		if !n.is(plainLists...) && n.verdict.Use == globals.UseArgs {
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

// stateObjection looks at the attributes that a state sets. An attribute __setstate__ is what the next BUILD calls, so
// special names never come from a file, nor names that only exist at run time.
func (j *judge) stateObjection(m *opcodes.Machine, state opcodes.Value) string {
	switch state.Kind() {
	case opcodes.KindDict:
		return j.keysObjection(m, state)
	case opcodes.KindTuple:
		items := m.Items(state)
		j.spend(0, len(items))
		for _, item := range items {
			if item.Kind() == opcodes.KindDict {
				if why := j.keysObjection(m, item); why != "" {
					return why
				}
			}
			if len(items) == 2 && j.mayBeDict(m, item) {
				return "attributes that exist only at run time: " + describe(m, item)
			}
		}
		return ""
	}
	if j.mayBeDict(m, state) {
		return "attributes that exist only at run time: " + describe(m, state)
	}
	return ""
}

// mayBeDict: an object made by a call that may hold attributes, as a dict or a tuple of dicts does, which are not known
// here. A class made empty holds items only if an opcode put them there.
func (j *judge) mayBeDict(m *opcodes.Machine, v opcodes.Value) bool {
	if v.Kind() != opcodes.KindCall {
		return v.Kind() == opcodes.KindDynamic || v.Kind() == opcodes.KindExtension
	}
	n := j.made(m, v)
	if !n.allowed() || j.filled[v] || n.rule() == globals.RuleGetattr || n.is("builtins:tuple", "__builtin__:tuple") {
		return true
	}
	_, args, _ := m.Call(v)
	return m.Len(args) > 0 && (n.is(plainDicts...) || n.rule() == globals.RuleReconstructor && !j.objectBase(m, args))
}

// objectBase: copyreg._reconstructor(cls, object, None) makes an empty object.
func (j *judge) objectBase(m *opcodes.Machine, args opcodes.Value) bool {
	items := m.Items(args)
	return len(items) == 3 && j.nameOf(m, items[1]).is("builtins:object", "__builtin__:object")
}

func (j *judge) keysObjection(m *opcodes.Machine, dict opcodes.Value) string {
	if !m.Whole(dict) {
		if j.quiet {
			return "attributes that cannot all be seen"
		}
		j.truncated = true
	}
	items := m.Items(dict)
	j.spend(0, len(items))
	for i := 0; i+1 < len(items); i += 2 {
		if why := keyObjection(m, items[i]); why != "" {
			return why
		}
		if n := j.nameOf(m, items[i+1]); indirect[n.rule()] {
			return "stores " + n.text + ", whose calls only count where they can be seen"
		}
	}
	return ""
}

// indirect are the rules of functions that call, load or look up what their arguments say. Nobody stores them, and
// stored as an attribute they would be called with arguments that were never judged.
var indirect = map[globals.Rule]bool{
	globals.RuleGetattr: true, globals.RuleNested: true, globals.RuleFromTypeV2: true, globals.RuleReconstructor: true,
	globals.RuleNewobj: true, globals.RuleUfunc: true, globals.RulePartial: true,
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

// partialState: functools.partial.__setstate__((function, args, keywords, attributes)).
func (j *judge) partialState(m *opcodes.Machine, obj, state opcodes.Value) string {
	items := m.Items(state)
	if state.Kind() != opcodes.KindTuple || len(items) != 4 {
		return "a state that is no tuple of four"
	}
	if !j.allowedCallable(m, items[0]) {
		return describe(m, items[0]) + " is no allowed function"
	}
	if n := j.nameOf(m, items[0]); n.verdict.Use != globals.UseCall {
		j.stored[obj] = true
	}
	return j.stateObjection(m, state)
}

// sideFileState: joblib before 0.10 reads an array from the file that the state names, beside the pickle. That file is
// judged when it is opened; a path that leaves the folder may lie outside what is judged.
func (j *judge) sideFileState(m *opcodes.Machine, state opcodes.Value) string {
	v, ok := m.Get(state, "filename")
	name, isText := "", false
	if ok {
		name, isText = text(m, v, 512)
	}
	if !isText || name == "" || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return "reads a file that is not simply beside it: " + render(m, v, 120)
	}
	return j.stateObjection(m, state)
}
