package pickle

import (
	"bytes"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// build judges BUILD: __setstate__, or items of __dict__ and attributes, of an object.
func (j *judge) build(m *opcodes.Machine, e *opcodes.Event) {
	n := j.made(m, e.Object)
	if n.rule() != globals.RuleDtype {
		j.other = e.Offset
	}
	if j.notOurs(m, e, n, "BUILD") || e.Object.Kind() != opcodes.KindCall {
		return
	}
	var why string
	switch n.rule() {
	case globals.RuleDtype:
		why = j.dtypeState(m, e)
	case globals.RulePartial:
		why = j.partialState(m, e.Object, e.Args)
	case globals.RuleSideFile:
		why = j.sideFileState(m, e.Args)
	default:
		if n.rebuilt() {
			why = "torch gives what it rebuilds no state, which may be other memory"
		} else if why = j.stateObjection(m, n, e.Args); why == "" && n.isWrapper() {
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
	if n.isWrapper() {
		j.joblibArray(m, e)
	}
}

// notOurs finds changes of what this stream did not make: a name's value, which the whole process shares (numpy.size
// and BUILD reach eval), or what an allowed call only looks up.
func (j *judge) notOurs(m *opcodes.Machine, e *opcodes.Event, n *name, op string) bool {
	switch e.Object.Kind() {
	case opcodes.KindCall:
		switch n.rule() {
		case globals.RuleShared, globals.RuleGetattr, globals.RuleType, globals.RuleSame:
			j.find(formats.RuleGlobalMutated, e.Offset, op+" on what "+n.text+" looks up", "")
			return true
		}
		if n == nil && forgotten(m, e.Object) {
			j.find(formats.RuleGlobalMutated, e.Offset, op+" on the result of a call of which too much lies behind to know it", "")
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
	j.other = e.Offset
	op := opcodes.OpName(e.Op)
	n := j.made(m, e.Object)
	if j.notOurs(m, e, n, op) || e.Object.Kind() != opcodes.KindCall {
		return
	}
	if !n.allowed() {
		j.find(formats.RuleReduce, e.Offset, op+" on "+describe(m, e.Object)+", of which nothing is known", presetOf(n))
		return
	}
	if m.Built(e.Object) {
		j.find(formats.RuleReduce, e.Offset, op+" on an object of "+n.text+" that has its state: picklers give items first", "")
		return
	}
	if e.Kind != opcodes.EvSetItems {
		if !n.is(plainLists...) {
			j.find(formats.RuleReduce, e.Offset, op+" on an object of "+n.text+", which may call an attribute", "")
		}
		return
	}
	if n.plainDict {
		return
	}
	if n.holdsMemory() {
		j.find(formats.RuleReduce, e.Offset, op+" on what "+n.text+" made, which would change memory that was looked at", "")
		return
	}
	items := m.Items(e.Args)
	j.spend(e.Offset, len(items))
	if !m.Whole(e.Args) {
		j.truncated = true
	}
	for i := 0; i+1 < len(items); i += 2 {
		if why := j.plainKey(m, items[i]); why != "" {
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
	b, ok := bytesOf(m, key, longestName)
	if k := key.Kind(); !ok && (k == opcodes.KindStr || k == opcodes.KindStr8 || k == opcodes.KindBytes) {
		if _, _, asItIs := m.Place(key); asItIs {
			return "" // longer than the name of any special attribute
		}
		if b, ok = bytesOf(m, key, longestEscaped); !ok {
			return "an attribute whose escaped name is too long to be seen"
		}
	}
	if bytes.HasPrefix(b, []byte("__")) && bytes.HasSuffix(b, []byte("__")) {
		return "sets the special attribute " + clip(string(b))
	}
	return ""
}

const (
	longestName    = 200     // bytes of the names of special attributes, and more
	longestEscaped = 4 << 10 // bytes of such a name as protocol 0 may spell it
)

// changed finds items for what was judged before, of which an object may have kept not a copy but the thing itself. No
// pickler writes them: a state is complete before its BUILD. Nor does one write to a list by numbers.
func (j *judge) changed(e *opcodes.Event) {
	why := " that was judged already, and may be an object's own"
	if e.Index < 0 {
		why = " at an index that cannot be told"
	}
	j.find(formats.RuleReduce, e.Offset, opcodes.OpName(e.Op)+" on a "+e.Object.Kind().String()+why, "")
}

// keyCache is how many keys of attributes are remembered.
const keyCache = 256

// plainKey is keyObjection, once for a key that a stream uses again and again. A literal is what it is.
func (j *judge) plainKey(m *opcodes.Machine, key opcodes.Value) string {
	if k := key.Kind(); k < opcodes.KindInt || k > opcodes.KindBytes {
		return keyObjection(m, key)
	}
	known := &j.keys[key%keyCache]
	if *known == key {
		return ""
	}
	why := keyObjection(m, key)
	if !isText(m, key, longestName) {
		j.spend(0, longestEscaped/8)
	}
	if why == "" {
		*known = key
	}
	return why
}
