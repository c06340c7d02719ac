package opcodes

import (
	"bytes"
	"strconv"
)

// index is the argument of a binary GET or PUT.
func (m *Machine) index() (uint64, bool) {
	if m.op == opBinGet || m.op == opBinPut {
		b := m.arg(1)
		if b == nil {
			return 0, false
		}
		return uint64(b[0]), true
	}
	b := m.arg(4)
	if b == nil {
		return 0, false
	}
	return littleEndian(b), true
}

func (m *Machine) binGet() {
	if i, ok := m.index(); ok && m.keys(binaryKeys) {
		m.get(i)
	}
}

func (m *Machine) get(i uint64) {
	v := m.memo.get(i)
	if i >= m.memo.n {
		v = m.memoFar[i]
	}
	if v == 0 {
		m.drop(m.set, "the memo has no entry %d", i)
		return
	}
	m.push(v)
}

func (m *Machine) binPut() {
	i, ok := m.index()
	if !ok || !m.keys(binaryKeys) {
		return
	}
	if v, ok := m.top(); ok {
		m.put(i, v)
	}
}

// memoize is MEMOIZE: the index is the number of entries, also where indices were left out.
func (m *Machine) memoize() {
	if v, ok := m.top(); ok {
		m.put(uint64(m.memoLen), v)
	}
}

func (m *Machine) put(i uint64, v Value) {
	if i < m.memoSeen && v.inArena() {
		m.remember(v)
	}
	if i >= m.memo.n {
		if i == m.memo.n && len(m.memoFar) == 0 {
			if m.entry() {
				m.memo.add(v)
			}
			return
		}
		if i >= 2*uint64(m.memoLen)+64 {
			m.putFar(i, v)
			return
		}
		for m.memo.n <= i { // dense enough: at most two words an entry. What was far is near now
			far := m.memoFar[m.memo.n]
			if far != 0 {
				delete(m.memoFar, m.memo.n)
			}
			m.memo.add(far)
		}
	}
	if m.memo.get(i) != 0 || m.entry() {
		m.memo.set(i, v)
	}
}

// remember notes a young object that was put where the next collection does not look, once objects are old.
func (m *Machine) remember(v Value) {
	if m.a.aged && *m.a.of(v)&flagOld == 0 {
		m.log = append(m.log, v)
		m.a.since++
	}
}

// putFar keeps an entry whose index would leave much of a table empty.
func (m *Machine) putFar(i uint64, v Value) {
	if m.memoFar == nil {
		m.memoFar = map[uint64]Value{}
	}
	if v.inArena() {
		m.remember(v)
	}
	if m.memoFar[i] == 0 && (!m.entry() || !m.few()) {
		return
	}
	m.memoFar[i] = v
}

// few holds the entries that are in no table to a number that no pickler reaches.
func (m *Machine) few() bool {
	if len(m.memoFar)+len(m.memoText) >= maxSparse {
		m.exceed("more than %d memo entries whose indices are far apart", maxSparse)
		return false
	}
	return true
}

// maxSparse bounds what costs a map entry and is looked at in each collection.
const maxSparse = 1 << 18

// entry counts a new memo entry.
func (m *Machine) entry() bool {
	m.memoLen++
	m.entriesMax--
	m.room = min(m.room, m.entriesMax-m.base)
	if m.entriesMax < m.height() {
		m.exceed("more stack and memo entries than the budget of %d", m.opt.Budget.Entries)
		return false
	}
	return true
}

// Kinds of memo keys that a stream has used.
const (
	binaryKeys = 1 << iota
	textKeys
)

// keys notes the use of a kind of key. cPickle keeps the two kinds apart: when a stream has used both, it gets a run of
// its own in which text is no number. It says whether any reading is left in this one.
func (m *Machine) keys(kind uint8) bool {
	if m.keyKinds |= kind; m.keyKinds != binaryKeys|textKeys || m.splitKeys || m.set&C2 == 0 {
		return true
	}
	m.set &^= C2
	m.forks = append(m.forks, fork{set: C2, at: m.opOff, splitKeys: true})
	m.halted = m.set == 0
	return !m.halted
}

// textKey reads the argument of GET or PUT. C reads the text up to a NUL as a decimal number, Python 3 all of it;
// Python 2 takes the text itself for the key. A number of more than 63 bits, and text that is no plain number, gives
// text instead of an index.
func (m *Machine) textKey() (i uint64, text string, ok bool) {
	_, b, terminated := m.line(maxNumberLine)
	if m.halted {
		return 0, "", false
	}
	if !terminated {
		m.eof()
		return 0, "", false
	}
	b = b[:len(b)-1]
	if !m.keys(textKeys) {
		return 0, "", false
	}
	if m.splitKeys && len(b) > 0 {
		return 0, "text " + string(b), true
	}
	if plainDigits(b) {
		for _, c := range b {
			i = 10*i + uint64(c-'0')
		}
		return i, "", true
	}
	if i, err := strconv.ParseUint(string(b), 10, 63); err == nil && (len(b) == 1 || b[0] != '0' && b[0] != '+') {
		return i, "", true
	}
	if len(b) == 0 && !m.drop(C2, "an empty memo index") {
		return 0, "", false
	}
	if m.branch(Python2) {
		return 0, "text " + string(b), true
	}
	if digits, isInt := parseInt(b, 10); isInt {
		return m.number(digits)
	}
	if !m.drop(m.set&^(C3|CFile), "%q is no index", clipBytes(b)) {
		return 0, "", false
	}
	c, _, nul := bytes.Cut(b, []byte{0})
	if digits, isInt := parseInt(c, 10); nul && isInt {
		return m.number(digits)
	}
	m.drop(m.set, "%q is no index", clipBytes(b))
	return 0, "", false
}

// number makes a key of a normalised decimal number. A negative one is in no memo and can not be put there.
func (m *Machine) number(digits string) (uint64, string, bool) {
	if digits[0] == '-' {
		m.drop(m.set, "a negative memo index")
		return 0, "", false
	}
	if i, err := strconv.ParseUint(digits, 10, 63); err == nil {
		return i, "", true
	}
	// _pickle.c has indices of 63 bits; a Python dict any number.
	if !m.drop(C3|CFile, "a memo index of more than 63 bits") {
		return 0, "", false
	}
	return 0, digits, true
}

func (m *Machine) textGet() {
	i, text, ok := m.textKey()
	switch {
	case !ok:
	case text == "":
		m.get(i)
	case m.memoText[text] == 0:
		m.drop(m.set, "the memo has no entry %q", clipBytes([]byte(text)))
	default:
		m.push(m.memoText[text])
	}
}

func (m *Machine) textPut() {
	i, text, ok := m.textKey()
	if !ok {
		return
	}
	v, ok := m.top()
	if !ok {
		return
	}
	if text == "" {
		m.put(i, v)
		return
	}
	if m.memoText == nil {
		m.memoText = map[string]Value{}
	}
	if v.inArena() {
		m.remember(v)
	}
	if m.memoText[text] == 0 {
		if m.stringsLeft -= int64(len(text)); m.stringsLeft < 0 {
			m.exceed("more string bytes than the budget of %d", m.opt.Budget.StringBytes)
			return
		}
		if !m.entry() || !m.few() {
			return
		}
	}
	m.memoText[text] = v
}

func clipBytes(b []byte) []byte { return b[:min(len(b), 60)] }
