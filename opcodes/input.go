package opcodes

import "encoding/binary"

// Limits of what one opcode's text may need; longer text is refused by name, since no pickler writes it.
const (
	maxNumberLine = 1 << 20  // INT, LONG, FLOAT, GET, PUT
	maxNameLine   = 64 << 10 // GLOBAL, INST, and STACK_GLOBAL's operands
	maxTextLine   = 64 << 20 // STRING, UNICODE, PERSID
)

// arg gives the next n bytes (at most lookahead), or nil after the end of the stream or of every reading.
func (m *Machine) arg(n int) []byte {
	w := &m.w
	if w.off()+int64(n) > m.frameEnd && !m.cross(int64(n), false) {
		return nil
	}
	if w.n-w.pos < n {
		if w.fill(); w.n-w.pos < n {
			m.eof()
			return nil
		}
	}
	b := w.buf[w.pos : w.pos+n]
	w.pos += n
	return b
}

// cross is called where n > 0 bytes at the position reach beyond the frame. Lib/pickle.py refuses that unless the frame is
// just used up. _pickle.c on a file without peek has the frame alone in its buffer and drops the rest of it, except
// where it reads into a bytes object (into). It says whether any reading goes on.
func (m *Machine) cross(n int64, into bool) bool {
	end := m.frameEnd
	m.frameEnd = noFrame
	if m.w.off() == end {
		return true
	}
	if !m.drop(pure3, "the frame ends at offset %d, inside the opcode's argument", end) {
		return false
	}
	if !into && m.branch(CFile) {
		m.displaced = true
		m.w.seek(end)
	}
	return true
}

// payload moves the position over n bytes that were announced and gives where they begin; false after the end.
func (m *Machine) payload(n uint64, into bool) (span, bool) {
	if n > 1<<62 {
		m.drop(m.set, "a length of %d bytes, more than any reader has", n)
		return span{}, false
	}
	if end := m.w.off() + int64(n); n > 0 && end > m.frameEnd && !m.cross(int64(n), into) {
		return span{}, false
	}
	at := m.w.off()
	if int64(n) > m.w.size-at {
		m.eof()
		return span{}, false
	}
	m.w.seek(at + int64(n))
	return span{at, int64(n)}, true
}

func littleEndian(b []byte) uint64 {
	var x [8]byte
	copy(x[:], b)
	return binary.LittleEndian.Uint64(x[:])
}

// line reads a line and gives its bytes with the newline, valid until the next read. Where the stream ends without a
// newline, terminated is false: some readers take the last byte for one. At most limit bytes are admitted.
func (m *Machine) line(limit int64) (s span, b []byte, terminated bool) {
	n, found := m.w.line()
	if m.frameEnd != noFrame {
		if n, found = m.frameLine(n, found); m.halted {
			return span{}, nil, false
		}
	}
	if m.w.err != nil {
		m.eof()
		return span{}, nil, false
	}
	if n > limit {
		m.exceed("a line of %d bytes; at most %d are admitted here", n, limit)
		return span{}, nil, false
	}
	at := m.w.off()
	b, err := m.w.bytes(int(n))
	if err != nil {
		m.w.err = err
		m.eof()
		return span{}, nil, false
	}
	m.w.seek(at + n)
	return span{at, n}, b, found
}

// frameLine is line's part inside a frame, for a line of n bytes at the position.
func (m *Machine) frameLine(n int64, found bool) (int64, bool) {
	at, end := m.w.off(), m.frameEnd
	if at == end {
		m.frameEnd = noFrame
		return n, found
	}
	if found && at+n <= end {
		return n, true
	}
	m.frameEnd = noFrame
	if !m.drop(pure3, "the frame ends at offset %d, inside a line", end) {
		return 0, false
	}
	if m.branch(CFile) {
		m.displaced = true
		m.w.seek(end)
		return m.w.line()
	}
	return n, found
}
