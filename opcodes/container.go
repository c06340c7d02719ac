package opcodes

// tupleN is TUPLE1, TUPLE2, TUPLE3.
func (m *Machine) tupleN(n int) {
	if at := len(m.stack) - n; at >= m.fence {
		v := m.newTuple(KindTuple, m.stack[at:])
		m.cut(at)
		m.push(v)
		return
	}
	items := make([]Value, n)
	for i := n - 1; i >= 0; i-- {
		v, ok := m.pop()
		if !ok {
			return
		}
		items[i] = v
	}
	m.push(m.newTuple(KindTuple, items))
}

func (m *Machine) newTuple(k Kind, items []Value) Value {
	flags := uint64(0)
	kinds := kindsOf(items)
	if k == KindTuple && kinds&unhashableKinds != 0 && m.anyUnhashable(items) {
		flags = flagUnhashable
	}
	v := m.a.tuple(k, flags, items)
	if kinds&(1<<KindGlobal) != 0 {
		m.hold(v, items)
	}
	return v
}

func (m *Machine) anyUnhashable(items []Value) bool {
	for _, v := range items {
		if m.unhashable(v) {
			return true
		}
	}
	return false
}

// unhashableKinds has a bit for each kind that unhashable may be true of.
const unhashableKinds = 1<<KindList | 1<<KindDict | 1<<KindSet | 1<<KindBytearray | 1<<KindView | 1<<KindTuple

// kindsOf has a bit for each kind among items.
func kindsOf(items []Value) (kinds uint64) {
	for _, v := range items {
		kinds |= 1 << (v.Kind() & 63)
	}
	return kinds
}

// hold tells of each name among the items of a container.
func (m *Machine) hold(container Value, items []Value) {
	for i, v := range items {
		if v.Kind() != KindGlobal {
			continue
		}
		if container.Kind() != KindTuple {
			i = -1
		}
		if e := m.event(EvHeld); e != nil {
			e.Global, e.Object, e.Index = m.Global(v), container, i
			m.tell(e)
		}
	}
}

func (m *Machine) tuple() {
	if items, ok := m.sinceMark(); ok {
		m.push(m.newTuple(KindTuple, items))
	}
}

func (m *Machine) list() {
	if items, ok := m.sinceMark(); ok {
		v := m.a.bare(KindList, 0)
		m.a.extend(v, items)
		m.hold(v, items)
		m.push(v)
	}
}

func (m *Machine) dict() {
	items, ok := m.sinceMark()
	if !ok || len(items)%2 != 0 && !m.drop(m.set&^C2, "%d items are no pairs of key and value", len(items)) {
		return
	}
	v := m.a.bare(KindDict, 0)
	if m.setDict(v, items[:len(items)&^1]) {
		m.push(v)
	}
}

func (m *Machine) frozenSet() {
	if items, ok := m.sinceMark(); ok && m.hashable(items, 1) {
		m.push(m.newTuple(KindFrozenSet, items))
	}
}

// unhashable says that v is certainly no key. What hashes at run time, if at all, is not.
func (m *Machine) unhashable(v Value) bool {
	switch v.Kind() {
	case KindList, KindDict, KindSet, KindBytearray, KindView:
		return true
	case KindTuple:
		return v != emptyTuple && *m.a.of(v)&flagUnhashable != 0
	}
	return false
}

// hashable checks every step-th of items.
func (m *Machine) hashable(items []Value, step int) bool {
	for i := 0; i < len(items); i += step {
		if m.unhashable(items[i]) {
			return m.drop(m.set, "%s is unhashable", items[i].Kind())
		}
	}
	return true
}

// setDict puts keys and values, in turn, into a dict of this stream.
func (m *Machine) setDict(d Value, items []Value) bool {
	if !m.hashable(items, 2) {
		return false
	}
	for i := 0; i < len(items); i += 2 {
		switch k := items[i]; {
		case k.Kind() == KindStr, k.Kind() == KindStr8, k.Unknown():
		default:
			*m.a.of(d) |= flagNonStrKey
		}
	}
	m.a.extend(d, items)
	m.hold(d, items)
	return true
}

func (m *Machine) setItem() {
	if at := len(m.stack) - 2; at > m.fence {
		m.setOn(m.stack[at-1], m.stack[at:])
		m.cut(at)
		return
	}
	v, ok1 := m.pop()
	k, ok2 := m.pop()
	if target, ok := m.top(); ok && ok1 && ok2 {
		m.setOn(target, []Value{k, v})
	}
}

func (m *Machine) setItems() {
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	target, ok := m.under(items)
	if !ok {
		return
	}
	even := len(items) &^ 1
	if even < len(items) && !m.drop(inC, "%d items are no pairs of key and value", len(items)) {
		return
	}
	if even > 0 {
		m.setOn(target, items[:even])
	}
	if even < len(items) { // Python has set the pairs before it misses the last value
		m.drop(m.set, "%d items are no pairs of key and value", len(items))
	}
}

// under gives the target of items that lay above a mark: the value below. Where nothing is below, pickle.py of Python 2
// counts from the end and takes the topmost of the items, or the mark itself.
func (m *Machine) under(items []Value) (Value, bool) {
	if len(m.stack) > 0 || len(m.marks) > 0 || !m.branch(Py2) {
		return m.top()
	}
	if len(items) == 0 {
		return mk(KindMark, 0), true
	}
	return items[len(items)-1], true
}

// setOn is target[key] = value for keys and values in turn. Lists and bytearrays take numbers that are in range.
func (m *Machine) setOn(target Value, items []Value) {
	switch k := target.Kind(); {
	case k == KindDict:
		m.changes(target)
		m.setDict(target, items)
	case k == KindList, k == KindBytearray:
		m.changes(target)
		m.setIndex(target, items)
	case target.Unknown():
		m.mutate(EvSetItems, target, items)
	default:
		m.drop(m.set, "%s takes no items", k)
	}
}

func (m *Machine) setIndex(target Value, items []Value) {
	for i := 0; i < len(items); i += 2 {
		key, v := items[i], items[i+1]
		m.charge(key)
		x, known := m.Int(key)
		switch {
		case key.Unknown(), key.Kind() == KindInt && !known:
			m.assume()
			m.hold(target, items[i+1:i+2])
			m.widen(target)
		case !known:
			m.drop(m.set, "%s takes numbers for keys, not %s", target.Kind(), key.Kind())
			return
		case !m.setAt(target, x, v):
			return
		}
	}
}

// widen notes that something that this stream made now holds what nobody can tell.
func (m *Machine) widen(target Value) {
	*m.a.of(target) |= flagMutated
	m.changed(target, -1)
}

// Freeze says that the caller relies on what it saw in v, a container of this stream: an EvChanged tells when v takes
// items after all. Other values stay what they are.
func (m *Machine) Freeze(v Value) {
	switch v.Kind() {
	case KindList, KindDict, KindSet:
		*m.a.of(v) |= flagFrozen
	}
}

// changes tells of items for a container that is frozen.
func (m *Machine) changes(target Value) {
	if target.Kind() != KindBytearray && *m.a.of(target)&flagFrozen != 0 {
		m.changed(target, 0)
	}
}

func (m *Machine) changed(target Value, index int) {
	if e := m.event(EvChanged); e != nil {
		e.Object, e.Index = target, index
		m.tell(e)
	}
}

func (m *Machine) setAt(target Value, x int64, v Value) bool {
	n := m.length(target)
	if x < 0 {
		x += n
	}
	if x < 0 || x >= n {
		return m.drop(m.set, "index out of range: the %s has %d items", target.Kind(), n)
	}
	m.hold(target, []Value{v})
	s := m.a.of(target)
	if target.Kind() == KindBytearray {
		*s |= flagMutated
		return m.byteItems([]Value{v})
	}
	if kept := m.a.stored(*s); x < int64(len(kept)) {
		kept[x] = v
	} else {
		*s |= flagMutated
	}
	return true
}

// byteItems says whether items can be bytes of a bytearray.
func (m *Machine) byteItems(items []Value) bool {
	for _, v := range items {
		m.charge(v)
		x, known := m.Int(v)
		switch {
		case v.Unknown():
			m.assume()
		case !known && v.Kind() != KindInt, x < 0, x > 255, !known:
			return m.drop(m.set, "%s is no byte of a bytearray", v.Kind())
		}
	}
	return true
}

// mutate tells of items given to something that this stream did not make as a container of its own.
func (m *Machine) mutate(k EventKind, target Value, items []Value) {
	args := m.a.tuple(KindTuple, 0, items)
	m.attach(target, k, args)
	m.hold(target, items)
	if e := m.event(k); e != nil {
		e.Object, e.Args = target, args
		m.tell(e)
	}
}

func (m *Machine) append1() {
	if at := len(m.stack) - 1; at > m.fence {
		m.appendOn(m.stack[at-1], m.stack[at:])
		m.cut(at)
		return
	}
	v, ok1 := m.pop()
	if target, ok := m.top(); ok && ok1 {
		m.appendOn(target, []Value{v})
	}
}

func (m *Machine) appends() {
	if n := len(m.marks); n > 0 && int(m.marks[n-1]) < m.base && m.appendsMany() {
		return
	}
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	if target, ok := m.under(items); ok {
		m.appendOn(target, items)
	}
}

// appendsMany is APPENDS to a list of this stream of more than the piece at the stack's top, without having all of them
// in one piece. False if it is something else.
func (m *Machine) appendsMany() bool {
	at := int(m.marks[len(m.marks)-1])
	if at == 0 || len(m.marks) > 1 && int(m.marks[len(m.marks)-2]) == at {
		return false
	}
	target := m.parts(at - 1)[0][0]
	if target.Kind() != KindList {
		return false
	}
	for _, items := range m.parts(at) {
		m.appendOn(target, items)
	}
	m.unmark()
	m.warm(at)
	return true
}

// appendOn is extend or append. Without items _pickle.c does not look at the target; Lib/pickle.py asks it for its methods.
func (m *Machine) appendOn(target Value, items []Value) {
	switch k := target.Kind(); {
	case k == KindList:
		if len(items) > 0 {
			m.changes(target)
		}
		m.a.extend(target, items)
		m.hold(target, items)
	case k == KindBytearray:
		if len(items) > 0 && m.byteItems(items) {
			m.a.added(target, m.length(target), int64(len(items)))
		}
	case target.Unknown():
		m.mutate(EvAppends, target, items)
	case len(items) == 0:
		m.drop(m.set&^inC, "%s has no extend", k)
	default:
		m.drop(m.set, "%s has no extend", k)
	}
}

func (m *Machine) addItems() {
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	target, ok := m.top()
	if !ok {
		return
	}
	switch k := target.Kind(); {
	case k == KindSet:
		if m.hashable(items, 1) {
			if len(items) > 0 {
				m.changes(target)
			}
			m.a.extend(target, items)
			m.hold(target, items)
		}
	case target.Unknown():
		m.mutate(EvAddItems, target, items)
	case len(items) == 0:
		m.drop(m.set&^inC, "%s has no add", k)
	default:
		m.drop(m.set, "%s has no add", k)
	}
}
