package opcodes

import (
	"bytes"
	"encoding/binary"
)

// peek gives up to n bytes at an offset, valid until the window moves.
func (m *Machine) peek(off int64, n int) []byte {
	w := &m.w
	if at := off - w.base; at >= 0 && at+int64(n) <= int64(w.n) {
		return w.buf[at : at+int64(n)]
	}
	n = int(min(int64(n), w.size-off))
	if n <= 0 {
		return nil
	}
	if b := m.far.at(w, off, n); b != nil {
		return bytes.Clone(b)
	}
	b := make([]byte, n)
	if got, err := readAt(w.r, b, off); err != nil {
		w.err = err
		return b[:got]
	}
	return b
}

// glance gives up to n bytes at an offset, valid until the next look.
func (m *Machine) glance(off int64, n int) []byte {
	n = int(min(int64(n), m.w.size-off))
	if at := off - m.w.base; at >= 0 && at+int64(n) <= int64(m.w.n) {
		return m.w.buf[at : at+int64(n)]
	}
	if b := m.far.at(&m.w, off, n); b != nil {
		return b
	}
	return m.peek(off, n)
}

// A farCache keeps what was last looked at outside the window: streams come back to the same short strings all the time.
type farCache []farLine

type farLine struct {
	off int64 // plus 1, so that zero is no line
	n   int
	b   [2 * farBytes]byte
}

const (
	farBytes = 64 // what fits in a line wherever it begins
	farLines = 64
)

// at gives the n bytes at off, or nil if they are too many or cannot be read.
func (c *farCache) at(w *window, off int64, n int) []byte {
	if n > farBytes || n <= 0 || off < 0 {
		return nil
	}
	if *c == nil {
		*c = make([]farLine, farLines)
	}
	start := off &^ (farBytes - 1)
	l := &(*c)[start/farBytes%farLines]
	if l.off != start+1 {
		want := int(min(int64(len(l.b)), w.size-start))
		l.off = 0
		if _, err := readAt(w.r, l.b[:want], start); err != nil {
			return nil
		}
		l.off, l.n = start+1, want
	}
	if at := int(off - start); at+n <= l.n {
		return l.b[at : at+n]
	}
	return nil
}

// read gives the bytes of a span of at most limit.
func (m *Machine) read(s span, limit int64) ([]byte, bool) {
	if s.n > limit {
		return nil, false
	}
	b := m.peek(s.off, int(s.n))
	return b, int64(len(b)) == s.n
}

// widths gives the bytes of a length or number that follows an opcode.
var widths = [256]uint8{
	opBinInt: 4, opBinInt1: 1, opBinInt2: 2, opBinFloat: 8, opLong1: 1, opLong4: 4, opBinString: 4,
	opShortBinString: 1, opBinUnicode: 4, opShortBinUnicode: 1, opBinUnicode8: 8, opBinBytes: 4, opShortBinBytes: 1,
	opBinBytes8: 8, opByteArray8: 8,
}

// farCost is what a look at a literal that has left the window counts in opcodes, since a reader may have to check much
// for a few bytes.
const farCost = 500

// charge counts a look of the machine's own at v.
func (m *Machine) charge(v Value) {
	if k := v.Kind(); k >= KindInt && k <= KindBytes && int64(v.payload()) < m.w.base {
		m.opsLeft -= farCost
	}
}

// span gives the opcode of a literal and where its contents lie. Of a line of more than limit bytes it gives limit+1.
func (m *Machine) span(v Value, limit int64) (op byte, s span, ok bool) {
	off := int64(v.payload())
	if k := v.Kind(); k == KindBytearray || k == KindView {
		s := *m.a.of(v)
		if s&flagForgot != 0 {
			return 0, span{}, false
		}
		if off = int64(s & payload48); s&flagBody != 0 {
			off = int64(m.a.body(s)[1])
		}
	}
	if at := off - m.w.base; at >= 0 && at+5 <= int64(m.w.n) && len(m.moved) == 0 { // as below, for what is asked for most
		switch b := m.w.buf[at : at+5 : at+5]; b[0] {
		case opShortBinUnicode, opShortBinBytes:
			return b[0], span{off + 2, int64(b[1])}, true
		case opBinUnicode:
			return b[0], span{off + 5, int64(binary.LittleEndian.Uint32(b[1:]))}, true
		}
	}
	b := m.glance(off, 9)
	if len(b) == 0 {
		return 0, span{}, false
	}
	op = b[0]
	if s, ok := m.moved[off]; ok {
		if widths[op] == 0 {
			s.n-- // the newline
		}
		return op, s, true
	}
	width := int64(widths[op])
	switch {
	case width == 0:
		s, ok = m.lineAt(off+1, limit)
		return op, s, ok
	case int64(len(b)) <= width:
		return op, span{}, false
	case op == opBinInt, op == opBinInt1, op == opBinInt2, op == opBinFloat:
		return op, span{off + 1, width}, true
	}
	return op, span{off + 1 + width, int64(littleEndian(b[1 : 1+width]))}, true
}

// lineAt gives the line at an offset without its last byte, which is the newline or what a reader takes for it.
func (m *Machine) lineAt(off, limit int64) (span, bool) {
	end := min(m.w.size, off+limit+1)
	for at := off; at < end; {
		b := m.peek(at, int(min(4096, end-at)))
		if len(b) == 0 {
			return span{}, false
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return span{off, at + int64(i) - off}, true
		}
		at += int64(len(b))
	}
	if end < m.w.size {
		return span{off, limit + 1}, true
	}
	return span{off, max(m.w.size-off-1, 0)}, true
}

// text gives the contents of a string or bytes object of at most limit bytes in the stream, decoded.
func (m *Machine) text(v Value, limit int64) ([]byte, bool) {
	op, s, ok := m.span(v, limit)
	if !ok {
		return nil, false
	}
	b, ok := m.read(s, limit)
	if !ok {
		return nil, false
	}
	switch op {
	case opUnicode:
		return rawUnicode(nil, b)
	case opString:
		body, quoted := unquote(b)
		if !quoted {
			body, quoted = unquote(trimSigned(b))
		}
		text, ok := unescape(nil, body)
		return text, ok && quoted
	}
	return b, true
}
