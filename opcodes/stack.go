package opcodes

// The stack's top lies in one piece, Machine.stack; what is far below it in pages, so that a stack grows without being
// copied. While there are pages, at least keepHot values are in the piece at the top.
const (
	stackPage = 32 << 10
	keepHot   = 64
	hotRoom   = stackPage + 2*keepHot // values in the piece at the top
)

// A heap of values below the top of the stack.
type cold struct {
	pages []*[hotRoom]Value // stackPage values in each
	piece *[hotRoom]Value   // what Machine.stack is the beginning of, once there were pages
	base  int               // values in pages
	spare *[hotRoom]Value   // one that was emptied
}

// height is the number of values on the stack.
func (m *Machine) height() int { return m.base + len(m.stack) }

func (m *Machine) push(v Value) {
	if len(m.stack) >= m.room {
		m.full()
		if m.halted {
			return
		}
	}
	if v.Kind() == KindMark {
		m.mark()
		return
	}
	m.stack = append(m.stack, v)
}

// full is called where the piece at the top is full: it becomes a page, unless the budget is used up, and a new piece
// begins with its last values.
func (m *Machine) full() {
	if m.height() >= m.entriesMax {
		m.exceed("more stack and memo entries than the budget of %d", m.opt.Budget.Entries)
		return
	}
	if m.piece == nil {
		m.piece = new([hotRoom]Value)
		copy(m.piece[:], m.stack)
	}
	m.pages = append(m.pages, m.piece)
	full := m.stack
	if m.piece, m.spare = m.spare, nil; m.piece == nil {
		m.piece = new([hotRoom]Value)
	}
	m.stack = m.piece[:copy(m.piece[:], full[stackPage:])]
	m.rebase(stackPage)
}

// rebase notes that n values have gone to pages, or come from there.
func (m *Machine) rebase(n int) {
	m.base += n
	m.fence -= n
	m.room = min(hotRoom, m.entriesMax-m.base)
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

// cut keeps n values of the piece at the top.
func (m *Machine) cut(n int) {
	m.stack = m.stack[:n]
	m.low = min(m.low, m.base+n)
	if n < keepHot && m.base > 0 {
		m.warm(m.base + n)
	}
}

// warm makes the stack n values high, where that is in a page or near one.
func (m *Machine) warm(n int) {
	for m.base > 0 && n < m.base+keepHot {
		i := len(m.pages) - 1
		p := m.pages[i]
		m.pages[i], m.pages = nil, m.pages[:i]
		above := m.stack[:max(n-m.base, 0)]
		m.stack = p[:stackPage+copy(p[stackPage:], above)]
		m.piece, m.spare = p, m.piece
		m.rebase(-stackPage)
		m.stack = m.stack[:min(len(m.stack), max(n-m.base, 0))]
	}
	m.low = min(m.low, n)
}

// parts gives the values from a height on, in pieces.
func (m *Machine) parts(from int) (parts [][]Value) {
	for i := from / stackPage; i < len(m.pages); i++ {
		parts = append(parts, m.pages[i][max(from-i*stackPage, 0):stackPage])
	}
	return append(parts, m.stack[max(from-m.base, 0):])
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

// popTop is POP, which takes a mark if one is topmost.
func (m *Machine) popTop() {
	if len(m.marks) > 0 && m.fence == len(m.stack) {
		m.unmark()
		return
	}
	if v, ok := m.pop(); ok && v.Kind() == KindCall {
		m.dropped(v)
	}
}

func (m *Machine) popMark() {
	items, ok := m.sinceMark()
	if !ok {
		return
	}
	for _, v := range items {
		if v.Kind() == KindCall {
			m.dropped(v)
		}
	}
}

func (m *Machine) dropped(v Value) {
	if e := m.event(EvPopped); e != nil {
		e.Object = v
		m.tell(e)
	}
}
