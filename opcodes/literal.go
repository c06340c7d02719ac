package opcodes

import (
	"bytes"
	"unicode/utf8"
)

// literal pushes a value that is known by the offset of its opcode. Where the argument does not follow the opcode,
// its place is kept aside.
func (m *Machine) literal(k Kind, s span) {
	if m.displaced {
		m.displace(s)
	}
	m.push(mk(k, uint64(m.opOff)))
}

func (m *Machine) displace(s span) {
	if m.moved == nil {
		m.moved = map[int64]span{}
	}
	if len(m.moved) >= m.entriesMax {
		m.exceed("more displaced arguments than the budget of %d entries", m.opt.Budget.Entries)
		return
	}
	m.moved[m.opOff] = s
}

// fixed is a number of n bytes.
func (m *Machine) fixed(k Kind, n int) {
	if m.arg(n) != nil {
		m.literal(k, span{m.w.off() - int64(n), int64(n)})
	}
}

// bytes is a counted run of bytes with a length of width bytes. into says that _pickle.c reads it into an object of
// its own rather than through its buffer.
func (m *Machine) bytes(k Kind, width int, into bool) {
	b := m.arg(width)
	if b == nil {
		return
	}
	n := littleEndian(b)
	if width == 4 && n >= 1<<31 && !m.signedLength() {
		return
	}
	s, ok := m.payload(n, into)
	if !ok {
		return
	}
	if k != KindBytearray {
		m.literal(k, s)
		return
	}
	if m.displaced {
		m.displace(s)
	}
	m.push(m.a.bare(k, uint64(m.opOff)))
}

// signedLength is called where a length of four bytes has its sign bit set. BINSTRING's is signed in Lib/pickle.py and in Python 2, LONG4's
// everywhere; BINBYTES' nowhere.
func (m *Machine) signedLength() bool {
	switch m.op {
	case opLong4:
		return m.drop(m.set, "a negative length")
	case opBinString:
		return m.drop(pure3|Python2, "a negative length")
	}
	return true
}

// unicode is a counted run of UTF-8, in which surrogates are allowed ("surrogatepass").
func (m *Machine) unicode(width int) {
	b := m.arg(width)
	if b == nil {
		return
	}
	n := littleEndian(b)
	if n >= 1<<31 && width == 4 && !m.drop(Python2, "a negative length") {
		return
	}
	if w := &m.w; n <= uint64(w.n-w.pos) && w.off()+int64(n) <= m.frameEnd { // nearly always
		b := w.buf[w.pos : w.pos+int(n)]
		w.pos += int(n)
		if !utf8.Valid(b) && !validWTF8(b) {
			m.drop(m.set, "text that is not UTF-8")
			return
		}
		m.literal(KindStr, span{w.off() - int64(n), int64(n)})
		return
	}
	s, ok := m.payload(n, false)
	if !ok {
		return
	}
	if !m.validSpan(s) {
		if m.w.err != nil {
			m.eof()
			return
		}
		m.drop(m.set, "text that is not UTF-8")
		return
	}
	m.literal(KindStr, s)
}

// validSpan checks UTF-8 of any length, a piece at a time.
func (m *Machine) validSpan(s span) bool {
	buf := make([]byte, min(s.n, 64<<10))
	keep := 0
	for s.n > 0 {
		n := int(min(s.n, int64(len(buf)-keep)))
		if _, err := readAt(m.w.r, buf[keep:keep+n], s.off); err != nil {
			m.w.err = err
			return false
		}
		s.off, s.n = s.off+int64(n), s.n-int64(n)
		b := buf[:keep+n]
		cut := len(b)
		if s.n > 0 { // a character may go on in the next piece
			for cut > 0 && len(b)-cut < 3 && !utf8.RuneStart(b[cut-1]) {
				cut--
			}
			cut = max(cut-1, 0)
		}
		if !utf8.Valid(b[:cut]) && !validWTF8(b[:cut]) {
			return false
		}
		keep = copy(buf, b[cut:])
		if keep == len(buf) {
			return false
		}
	}
	return true
}

// validWTF8 is utf8.Valid with surrogates as three bytes each.
func validWTF8(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if len(b) < 3 || b[0] != 0xed || b[1]&0xe0 != 0xa0 || b[2]&0xc0 != 0x80 {
				return false
			}
			n = 3
		}
		b = b[n:]
	}
	return true
}

// textLine reads a line that must be terminated, and gives it without its newline.
func (m *Machine) textLine(limit int64) (span, []byte, bool) {
	s, b, terminated := m.line(limit)
	switch {
	case m.halted:
		return s, nil, false
	case !terminated: // some readers take what is there, but none gets further
		m.eof()
		return s, nil, false
	}
	return s, b[:len(b)-1], true
}

// textInt is INT. "00" and "01" are booleans; _pickle.c takes a few more spellings for them.
func (m *Machine) textInt() {
	s, b, ok := m.textLine(maxNumberLine)
	if !ok {
		return
	}
	if string(b) == "00" || string(b) == "01" {
		m.push(mk(KindFalse-Kind(b[1]-'0'), 0))
		return
	}
	if plainDigits(b) {
		m.literal(KindInt, s)
		return
	}
	if m.drop(m.set&^intReadings(b), "%q is no number", clipBytes(b)) {
		m.literal(KindInt, s)
	}
}

// plainDigits says that b is a number of 64 bits to every reader of text, and to GET and PUT.
func plainDigits(b []byte) bool {
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && len(b) > 1 {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// textLong is LONG.
func (m *Machine) textLong() {
	s, b, ok := m.textLine(maxNumberLine)
	if ok && plainDigits(bytes.TrimSuffix(b, []byte("L"))) {
		m.literal(KindInt, s)
		return
	}
	if ok && m.drop(m.set&^longReadings(b), "%q is no number", clipBytes(b)) {
		m.literal(KindInt, s)
	}
}

// textFloat is FLOAT.
func (m *Machine) textFloat() {
	s, b, ok := m.textLine(maxNumberLine)
	if ok && m.drop(m.set&^floatReadings(b), "%q is no float", clipBytes(b)) {
		m.literal(KindFloat, s)
	}
}

// textString is STRING: quoted and escaped as in Python source.
func (m *Machine) textString() {
	s, b, ok := m.textLine(maxTextLine)
	if !ok {
		return
	}
	body, quoted := unquote(b)
	if !quoted {
		if !m.drop(m.set&^C2, "the string is not quoted") {
			return
		}
		if body, quoted = unquote(trimSigned(b)); !quoted {
			m.drop(m.set, "the string is not quoted")
			return
		}
	}
	if bytes.IndexByte(body, '\\') >= 0 && !escapesWell(body) {
		m.drop(m.set, "a wrong escape in the string")
		return
	}
	m.literal(KindStr8, s)
}

func escapesWell(b []byte) bool {
	_, ok := unescape(nil, b)
	return ok
}

// textUnicode is UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX.
func (m *Machine) textUnicode() {
	s, b, ok := m.textLine(maxTextLine)
	if !ok {
		return
	}
	if bytes.IndexByte(b, '\\') < 0 { // Latin-1, which cannot be wrong
		m.literal(KindStr, s)
		return
	}
	if _, ok := rawUnicode(nil, b); !ok {
		m.drop(m.set, "a wrong escape in the text")
		return
	}
	m.literal(KindStr, s)
}

// nextBuffer is NEXT_BUFFER: something that the loader was given beside the stream.
func (m *Machine) nextBuffer() {
	m.assume() // that there are buffers, and what they are
	v := mk(KindBuffer, uint64(m.opOff))
	if e := m.event(EvBuffer); e != nil {
		e.Result = v
		m.tell(e)
	}
	m.push(v)
}

// readonlyBuffer is READONLY_BUFFER, which takes whatever memoryview takes.
func (m *Machine) readonlyBuffer() {
	v, ok := m.top()
	if !ok {
		return
	}
	switch k := v.Kind(); {
	case k == KindBytes, k == KindView, k == KindStr8: // a STRING is bytes if the loader's encoding says so
		if k == KindStr8 {
			m.assume()
		}
	case v.Unknown():
		m.assume()
	case k == KindBytearray:
		m.cut(len(m.stack) - 1)
		m.push(mk(KindView, v.payload()))
	default:
		m.drop(m.set, "%s is no buffer", k)
	}
}
