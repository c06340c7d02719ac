package opcodes

import "slices"

func (m *Machine) mark() {
	if len(m.marks) >= m.entriesMax {
		m.exceed("more marks than the budget of %d entries", m.opt.Budget.Entries)
		return
	}
	if len(m.marks) == cap(m.marks) {
		// Append would grow by a quarter and copy too often; nor is there room for more than the budget.
		m.marks = slices.Grow(m.marks, min(max(64, len(m.marks)), m.entriesMax-len(m.marks)))
	}
	m.marks = append(m.marks, uint32(m.height()))
	m.fence = len(m.stack)
}

// unmark takes the topmost mark, which must exist, and gives its height.
func (m *Machine) unmark() int {
	n := len(m.marks) - 1
	at := int(m.marks[n])
	m.marks = m.marks[:n]
	m.fence = -m.base
	if n > 0 {
		m.fence += int(m.marks[n-1])
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
	if at > m.height() { // cPickle alone can have popped below it
		m.drop(m.set, "the stack is lower than the MARK")
		return nil, false
	}
	if at < m.base {
		return m.gather(at), true
	}
	items := m.stack[at-m.base:]
	if m.base > 0 && at-m.base < keepHot {
		items = append(m.scratch[:0], items...) // what comes from a page takes their place
		m.scratch = items
	}
	m.cut(at - m.base)
	return items, true
}

// gather makes the stack at values high and gives what was above, which is partly in pages.
func (m *Machine) gather(at int) []Value {
	items := make([]Value, 0, m.height()-at)
	for _, part := range m.parts(at) {
		items = append(items, part...)
	}
	m.warm(at)
	return items
}
