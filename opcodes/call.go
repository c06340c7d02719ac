package opcodes

// call tells of a call and pushes its result.
func (m *Machine) call(callee, args, kwargs Value) {
	v := m.a.call(m.opOff, callee, args)
	if e := m.event(EvCall); e != nil {
		e.Object, e.Args, e.KwArgs, e.Result = callee, args, kwargs, v
		m.tell(e)
	}
	m.push(v)
}

// callable says whether a value may be called: nothing that a stream makes by itself can.
func (m *Machine) callable(v Value) bool {
	return v.Unknown() || m.drop(m.set, "%s is not callable", v.Kind())
}

// argsOf says whether args can be the arguments of a call: C wants a tuple, Python unpacks whatever iterates.
func (m *Machine) argsOf(args Value) bool {
	switch k := args.Kind(); {
	case k == KindTuple:
		return true
	case args.Unknown():
		m.assume()
		return true
	case k >= KindStr && k <= KindFrozenSet:
		return m.drop(inC, "the arguments must be a tuple, not %s", k)
	default:
		return m.drop(m.set, "the arguments must be a tuple, not %s", k)
	}
}

// reduce is REDUCE: callable(*args).
func (m *Machine) reduce() {
	args, ok1 := m.pop()
	if !ok1 {
		return
	}
	callee, ok2 := m.pop()
	if ok2 && m.argsOf(args) && m.callable(callee) {
		m.call(callee, args, 0)
	}
}

// newObj is NEWOBJ and NEWOBJ_EX: cls.__new__(cls, *args, **kwargs). C wants cls to be a type; to Python it may be
// anything with an attribute of that name.
func (m *Machine) newObj(ex bool) {
	kwargs, ok := Value(0), true
	if ex {
		if kwargs, ok = m.pop(); !ok {
			return
		}
	}
	args, ok := m.pop()
	if !ok {
		return
	}
	cls, ok := m.pop()
	if !ok || !m.argsOf(args) || !m.callable(cls) || ex && !m.keywords(kwargs) {
		return
	}
	if cls.Kind() != KindGlobal {
		m.assume()
	}
	m.call(cls, args, kwargs)
}

// keywords says whether kwargs can be keyword arguments.
func (m *Machine) keywords(kwargs Value) bool {
	switch {
	case kwargs.Unknown():
		m.assume()
		return true
	case kwargs.Kind() != KindDict:
		return m.drop(m.set, "keyword arguments must be a dict, not %s", kwargs.Kind())
	case *m.a.of(kwargs)&flagNonStrKey != 0:
		return m.drop(m.set&^inC, "keywords must be strings")
	}
	return true
}

// inst is INST: a name and a call with what lies above the mark. C looks for the mark first, Python last.
func (m *Machine) inst() {
	if len(m.marks) == 0 && !m.drop(inC, "no MARK on the stack") {
		return
	}
	g, ok := m.namedLines(true)
	if !ok {
		return
	}
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	m.call(g, m.newTuple(KindTuple, items), 0)
}

// obj is OBJ: the callable lies above the mark, its arguments above it.
func (m *Machine) obj() {
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	if len(items) == 0 {
		m.drop(m.set, "no callable above the MARK")
		return
	}
	callee := items[0]
	if m.callable(callee) {
		m.call(callee, m.newTuple(KindTuple, items[1:]), 0)
	}
}

// build is BUILD: __setstate__(state), or items of __dict__ and attributes.
func (m *Machine) build() {
	var state, obj Value
	if at := len(m.stack) - 1; at > m.fence && (at >= keepHot || m.base == 0) {
		state, obj = m.stack[at], m.stack[at-1]
		m.stack = m.stack[:at]
		m.low = min(m.low, m.base+at)
	} else {
		var ok bool
		if state, ok = m.pop(); !ok {
			return
		}
		if obj, ok = m.top(); !ok {
			return
		}
	}
	if !obj.Unknown() {
		m.buildPlain(obj, state)
		return
	}
	if obj.Kind() == KindCall && obj.inArena() {
		*m.a.of(obj) |= flagBuilt
	}
	m.attach(obj, EvBuild, state)
	data := m.w.off()
	if m.frameEnd != noFrame && m.set&pure3 != 0 {
		data = m.frameEnd
	}
	e := m.event(EvBuild)
	if e == nil {
		return
	}
	e.Object, e.Args, e.Data = obj, state, data
	m.tell(e)
	if e.Skip != 0 && m.set&Joblib != 0 && !m.halted {
		m.skip(data, e.Skip)
	}
}

// skip makes the Joblib reading go on n bytes behind data.
func (m *Machine) skip(data, n int64) {
	if !m.branch(Joblib) {
		return
	}
	switch {
	case n < 0:
		m.drop(m.set, "the raw bytes of an array are not as announced")
	case data != m.w.off():
		m.drop(m.set, "the raw bytes of an array lie inside a frame")
	case n > m.w.size-data:
		m.drop(m.set, "%d raw bytes of an array where %d are left", n, m.w.size-data)
	default:
		m.frameEnd = noFrame
		m.w.seek(data + n)
	}
}

// buildPlain is BUILD on a container or literal: it has neither __setstate__ nor __dict__, so that only a state with
// nothing in it passes. C takes None for that, Python what is false.
func (m *Machine) buildPlain(obj, state Value) {
	slots, haveSlots := Value(0), false
	if items := m.Items(state); state.Kind() == KindTuple && len(items) == 2 && m.length(state) == 2 {
		state, slots, haveSlots = items[0], items[1], true
	}
	if state.Unknown() || haveSlots && slots.Unknown() {
		m.assume()
	}
	inC3 := state.Kind() == KindNone || state.Unknown()
	py := m.maybeFalse(state)
	if haveSlots {
		inC3 = inC3 && (slots.Unknown() || slots.Kind() == KindDict && m.length(slots) == 0)
		py = py && m.maybeFalse(slots)
	}
	if !inC3 && !m.drop(inC, "%s has no __dict__ to put a state into", obj.Kind()) {
		return
	}
	if !py {
		m.drop(m.set&^inC, "%s has no __dict__ to put a state into", obj.Kind())
	}
}

// maybeFalse says whether v is false in a condition, or may be.
func (m *Machine) maybeFalse(v Value) bool {
	m.charge(v)
	switch v.Kind() {
	case KindNone, KindFalse:
		return true
	case KindTrue, KindMark:
		return false
	case KindInt, KindFloat:
		return m.zero(v)
	}
	return v.Unknown() || m.empty(v)
}
