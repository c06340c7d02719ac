package pickle

import (
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// stateObjection judges what BUILD, or a rebuild function, gives to an object that a call of n made. An attribute
// __setstate__ is what the next BUILD calls, so special names never come from a file; and dict.update takes pairs, arrays
// and whatever has keys() as readily as a dict. So attributes come from None, from a dict that the stream made with
// opcodes, or from a pair of those. Other forms belong to the classes that are known to read them.
func (j *judge) stateObjection(m *opcodes.Machine, n *name, state opcodes.Value) string {
	if k := state.Kind(); k == opcodes.KindDict || k == opcodes.KindNone {
		return j.attributes(m, state) // no form of any class's own
	}
	if why := j.ownState(m, n, state); why == "" {
		return ""
	}
	items := m.Items(state)
	if state.Kind() != opcodes.KindTuple || len(items) != 2 || !m.Whole(state) {
		return j.attributes(m, state)
	}
	for _, v := range items {
		if why := j.attributes(m, v); why != "" {
			return why
		}
	}
	return ""
}

// attributes judges one source of attributes.
func (j *judge) attributes(m *opcodes.Machine, v opcodes.Value) string {
	switch v.Kind() {
	case opcodes.KindNone:
		return ""
	case opcodes.KindDict:
		return j.keysObjection(m, v)
	}
	return "attributes that are neither None nor a dict of this stream: " + describe(m, v)
}

// keysObjection looks at the names of attributes.
func (j *judge) keysObjection(m *opcodes.Machine, dict opcodes.Value) string {
	items, whole := m.Kept(dict)
	if !whole {
		if j.quiet {
			return "attributes that cannot all be seen"
		}
		j.truncated = true
	}
	m.Freeze(dict) // some classes keep it for their attributes
	j.spend(0, len(items))
	for i := 0; i+1 < len(items); i += 2 {
		if why := j.plainKey(m, items[i]); why != "" {
			return why
		}
	}
	return ""
}

// tensorState: attributes of a tensor, whose methods torch calls: none may be anything that can be called.
func (j *judge) tensorState(m *opcodes.Machine, state opcodes.Value) string {
	if why := j.stateObjection(m, nil, state); why != "" {
		return why
	}
	dicts := []opcodes.Value{state}
	if state.Kind() == opcodes.KindTuple {
		dicts = m.Items(state)
	}
	for _, d := range dicts {
		items := m.Items(d)
		for i := 0; i+1 < len(items); i += 2 {
			n, made := j.nameOf(m, items[i+1]), j.made(m, items[i+1])
			if n != nil && (!n.allowed() || n.verdict.Use != globals.UseValue) || made.rule() == globals.RulePartial || made.rule() == globals.RuleGetattr {
				return "stores " + describe(m, items[i+1]) + " where torch looks for methods"
			}
		}
	}
	return ""
}

// held judges a name that is put into a container, or given to an object: what the stream makes may then call it, with
// arguments that nobody sees. Functions that call, load or look up what their arguments say are stored by nobody; what
// no preset knows is not to be called either.
func (j *judge) held(m *opcodes.Machine, e *opcodes.Event) {
	n := j.name(e.Global)
	switch {
	case n.verdict.Status == globals.Unknown:
		j.find(formats.RuleReduce, e.Offset, n.text+": kept in a "+e.Object.Kind().String()+", where it may be called", n.verdict.Preset)
	case n.indirect, n.argument && e.Object.Kind() != opcodes.KindTuple:
		j.find(formats.RuleReduce, e.Offset, n.text+keptIn(e.Object), "")
	case n.argument && e.Object != j.bundle.tuple: // see bundled for one before
		j.bundle = bundle{tuple: e.Object, name: n, offset: e.Offset}
	}
}

func keptIn(container opcodes.Value) string {
	return ": kept in a " + container.Kind().String() + ", though its calls count only where they can be seen"
}

// A bundle is a tuple with a name of rebuilds or onlyNamed in it. It must be what its rule judges: the arguments of the
// next call, or the next persistent id. As anything else it is a pair that a dict is made of, or a function's arguments.
// If nothing at all follows, nothing is made of it: torch's first files have such tuples for their storages.
type bundle struct {
	tuple  opcodes.Value
	name   *name
	offset int64
}

// bundled looks at the first event after a bundle was tied.
func (j *judge) bundled(m *opcodes.Machine, e *opcodes.Event) {
	if e.Kind == opcodes.EvHeld && e.Object == j.bundle.tuple {
		return
	}
	if e.Args == j.bundle.tuple {
		rule := j.nameOf(m, e.Object).rule()
		if e.Kind == opcodes.EvPersistent || e.Kind == opcodes.EvCall && (rule == globals.RuleFromTypeV2 || rule == globals.RuleBitgen) {
			j.bundle = bundle{}
			return
		}
	}
	j.unbundle()
}

// unbundle finds the name in a bundle that no rule judges.
func (j *judge) unbundle() {
	if b := j.bundle; b.name != nil {
		j.bundle = bundle{}
		j.find(formats.RuleReduce, b.offset, b.name.text+keptIn(b.tuple), "")
	}
}

// indirect are the rules of functions that call, load or look up what their arguments say.
var indirect = map[globals.Rule]bool{
	globals.RuleGetattr: true, globals.RuleNested: true, globals.RuleFromTypeV2: true, globals.RuleReconstructor: true,
	globals.RuleNewobj: true, globals.RuleUfunc: true, globals.RulePartial: true, globals.RuleType: true,
	globals.RuleClass: true, globals.RulePyx: true,
}

// rebuilds are the rules of what other rules judge among arguments: _rebuild_from_type_v2 calls its first argument and
// takes a class as its second; NumPy's generators are made with the constructor of their bit generator.
var rebuilds = map[globals.Rule]bool{
	globals.RuleFromTensor: true, globals.RuleFromStorage: true, globals.RuleParameterState: true,
	globals.RuleWrapperSubclass: true, globals.RuleBitgen: true,
}

// onlyNamed: classes of storages stand in persistent ids; called they read shared memory. A sparse tensor's indices are
// not checked when it is made.
func onlyNamed(n *name) bool {
	return n.allowed() && n.verdict.Preset == "torch" && n.verdict.Use == globals.UseValue &&
		(strings.HasSuffix(n.text, "Storage") || n.is("torch._utils:_rebuild_sparse_tensor"))
}

// wrapperKeys: joblib calls methods of its wrappers, so that their attributes are those that joblib writes.
func (j *judge) wrapperKeys(m *opcodes.Machine, state opcodes.Value, keys string) string {
	items := m.Items(state)
	if state.Kind() != opcodes.KindDict || !m.Whole(state) {
		return "attributes that joblib does not write"
	}
	for i := 0; i+1 < len(items); i += 2 {
		key, ok := text(m, items[i], 64)
		if !ok || !strings.Contains(keys, " "+key+" ") {
			return "an attribute that joblib does not write: " + render(m, items[i], 80)
		}
		if n := j.nameOf(m, items[i+1]); n != nil && (!n.allowed() || key != "subclass" || n.verdict.Preset != "numpy") {
			return key + " is " + n.text + ", which is no array class"
		}
	}
	return ""
}

const (
	arrayKeys = " subclass shape order dtype allow_mmap numpy_array_alignment_bytes "
	fileKeys  = " filename subclass allow_mmap init_args state "
)
