package opcodes

func (m *Machine) push(v Value) {
	if len(m.stack) >= m.entriesMax {
		m.exceed("more stack and memo entries than the budget of %d", m.opt.Budget.Entries)
		return
	}
	if v.Kind() == KindMark {
		m.mark()
		return
	}
	m.stack = append(m.stack, v)
}

// pop takes the topmost value; false if no reading goes on.
func (m *Machine) pop() (Value, bool) {
	if n := len(m.stack); n > m.fence {
		v := m.stack[n-1]
		m.cut(n - 1)
		return v, true
	}
	return m.below(true)
}

// cut makes n the height of the stack.
func (m *Machine) cut(n int) {
	m.stack = m.stack[:n]
	m.low = min(m.low, n)
}

// top looks at the topmost value.
func (m *Machine) top() (Value, bool) {
	if n := len(m.stack); n > m.fence {
		return m.stack[n-1], true
	}
	return m.below(false)
}

// below is pop or top where a mark, or nothing, is topmost. Modern readers refuse; to pickle.py of Python 2 the mark
// is an object like any; cPickle takes the value below it and leaves the mark.
func (m *Machine) below(pop bool) (Value, bool) {
	keep := Readings(0)
	if len(m.marks) > 0 {
		keep |= Py2
	}
	if len(m.stack) > 0 {
		keep |= C2
	}
	what := "the stack is empty"
	if len(m.marks) > 0 {
		what = "a MARK is topmost where a value is needed"
	}
	if !m.drop(m.set&^keep, "%s", what) {
		return 0, false
	}
	if m.branch(Py2) {
		if pop {
			m.unmark()
		}
		return mk(KindMark, 0), true
	}
	v := m.stack[len(m.stack)-1]
	if pop {
		m.cut(len(m.stack) - 1)
	}
	return v, true
}

func (m *Machine) dup() {
	if v, ok := m.top(); ok {
		m.push(v)
	}
}

func (m *Machine) mark() {
	if len(m.marks) >= m.entriesMax {
		m.exceed("more marks than the budget of %d entries", m.opt.Budget.Entries)
		return
	}
	m.marks = append(m.marks, len(m.stack))
	m.fence = len(m.stack)
}

// unmark takes the topmost mark, which must exist, and gives its height.
func (m *Machine) unmark() int {
	n := len(m.marks) - 1
	at := m.marks[n]
	m.marks = m.marks[:n]
	m.fence = 0
	if n > 0 {
		m.fence = m.marks[n-1]
	}
	return at
}

// sinceMark takes the topmost mark and what lies above it. The slice is valid until the next push.
func (m *Machine) sinceMark() ([]Value, bool) {
	if len(m.marks) == 0 {
		m.drop(m.set, "no MARK on the stack")
		return nil, false
	}
	at := m.unmark()
	if at > len(m.stack) { // cPickle alone can have popped below it
		m.drop(m.set, "the stack is lower than the MARK")
		return nil, false
	}
	items := m.stack[at:]
	m.cut(at)
	return items, true
}

// popTop is POP, which takes a mark if one is topmost.
func (m *Machine) popTop() {
	if len(m.marks) > 0 && m.fence == len(m.stack) {
		m.unmark()
		return
	}
	if v, ok := m.pop(); ok {
		m.dropped(v)
	}
}

func (m *Machine) popMark() {
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	for _, v := range items {
		m.dropped(v)
	}
}

func (m *Machine) dropped(v Value) {
	if v.Kind() == KindCall {
		m.emit(Event{Kind: EvPopped, Object: v})
	}
}
