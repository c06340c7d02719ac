package opcodes

import (
	"fmt"
	"io"
	"slices"
)

// drop ends the readings of mask at this opcode and says whether any goes on.
func (m *Machine) drop(mask Readings, format string, args ...any) bool {
	if gone := m.set & mask; gone != 0 {
		m.set &^= gone
		m.rep.add(Outcome{Readings: gone, Offset: m.opOff,
			Err: &Error{Offset: m.opOff, Op: m.op, Msg: fmt.Sprintf(format, args...)}})
		m.halted = m.set == 0
	}
	return m.set != 0
}

// branch is called where the readings of mask go on with another state than the rest. It says whether this run is
// for those of mask; if both sides are here, the ones of mask get a run of their own later.
func (m *Machine) branch(mask Readings) bool {
	in := m.set & mask
	if in == 0 {
		return false
	}
	if in == m.set {
		return true
	}
	m.set &^= in
	m.forks = append(m.forks, fork{set: in, at: m.opOff, splitKeys: m.splitKeys})
	return false
}

// assume notes that from here on the simulation depends on what a name or a call gives at run time.
func (m *Machine) assume() {
	if m.rep.Assumed < 0 || m.opOff < m.rep.Assumed {
		m.rep.Assumed = m.opOff
	}
}

// eof ends every reading: the stream is over before STOP.
func (m *Machine) eof() {
	if m.w.err != nil {
		m.fail(&Error{Kind: ReadFailed, Offset: m.opOff, Op: m.op, Msg: "cannot read the stream", Err: m.w.err})
		return
	}
	m.drop(m.set, "the stream ends at offset %d before STOP", m.w.size)
}

// exceed ends the whole run: a budget is used up, and nothing is known about the rest.
func (m *Machine) exceed(format string, args ...any) {
	m.fail(&Error{Kind: OverBudget, Offset: m.opOff, Op: m.op, Msg: fmt.Sprintf(format, args...)})
}

func (m *Machine) fail(err *Error) {
	if m.halted {
		return
	}
	if err.Err == nil && err.Kind == ReadFailed {
		err.Err = io.ErrUnexpectedEOF
	}
	for _, f := range m.forks {
		m.set |= f.set
	}
	m.forks = nil
	m.rep.add(Outcome{Readings: m.set, Offset: err.Offset, Err: err})
	m.set, m.halted = 0, true
}

func (r *Report) add(o Outcome) { r.Outcomes = append(r.Outcomes, o) }

// finish orders the outcomes: the furthest first, those that reach STOP before others at the same offset.
func (r *Report) finish() {
	slices.SortStableFunc(r.Outcomes, func(a, b Outcome) int {
		switch {
		case a.Offset != b.Offset:
			return int(min(max(b.Offset-a.Offset, -1), 1))
		case (a.Err == nil) != (b.Err == nil):
			if a.Err == nil {
				return -1
			}
			return 1
		}
		return int(a.Readings) - int(b.Readings)
	})
}
