package opcodes

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// maxDecoded bounds what Str and Data hand out at once.
const maxDecoded = 64 << 20

// Len gives the number of items of a tuple, list, set or frozenset, of pairs given to a dict (a key that comes twice
// counts twice), of bytes of a string or bytes object as it stands in the stream, and 0 of anything else.
func (m *Machine) Len(v Value) int64 { return m.length(v) }

func (m *Machine) length(v Value) int64 {
	switch v.Kind() {
	case KindTuple, KindList, KindDict, KindSet, KindFrozenSet:
		if v == emptyTuple {
			return 0
		}
		return int64(m.a.size(*m.a.of(v)))
	case KindStr, KindStr8, KindBytes:
		_, s, _ := m.span(v, maxTextLine)
		return s.n
	case KindBytearray, KindView:
		switch s := *m.a.of(v); {
		case s&flagForgot != 0:
			return int64(s & payload48)
		case s&flagBody != 0:
			return int64(m.a.body(s)[2])
		}
		_, s, _ := m.span(v, 0)
		return s.n
	}
	return 0
}

// Items gives the items of a container that are kept: keys and values in turn for a dict. See Whole. The slice belongs to
// the machine: it must not be written to, and is valid until the handler returns, or for ever once the Run has returned.
func (m *Machine) Items(v Value) []Value {
	switch v.Kind() {
	case KindTuple, KindList, KindDict, KindSet, KindFrozenSet:
		if v == emptyTuple {
			return nil
		}
		return m.a.stored(*m.a.of(v))
	}
	return nil
}

// Whole says that Items gives every item of a container, and that a bytearray still is what the stream holds.
func (m *Machine) Whole(v Value) bool {
	if !v.inArena() {
		return true
	}
	s := *m.a.of(v)
	switch v.Kind() {
	case KindTuple, KindList, KindDict, KindSet, KindFrozenSet:
		return s&(flagMutated|flagForgot) == 0 && m.a.size(s) <= uint64(m.a.limit)
	case KindBytearray, KindView:
		return s&flagMutated == 0
	}
	return true
}

// Kept is Items and Whole of a container.
func (m *Machine) Kept(v Value) (items []Value, whole bool) {
	if k := v.Kind(); k == KindDict || k == KindTuple {
		if s := *m.a.of(v); s&(flagBody|flagMutated|flagForgot) == flagBody { // without looking its body up twice
			w := m.a.body(s)
			if k == KindTuple && w[0]&flagLong == 0 {
				return w[1:], true
			}
			if n := uint64(w[1]); k == KindDict && n <= uint64(m.a.limit) {
				return w[2 : 2+2*n : 2+2*n], true
			}
		}
	}
	return m.Items(v), m.Whole(v)
}

// Get looks a key up in what is kept of a dict; the last one set counts. False if it is not there, or the dict is cut.
func (m *Machine) Get(d Value, key string) (Value, bool) {
	if d.Kind() != KindDict || !m.Whole(d) {
		return 0, false
	}
	items := m.Items(d)
	for i := len(items) - 2; i >= 0; i -= 2 {
		if s, ok := m.Str(items[i]); ok && s == key {
			return items[i+1], true
		}
	}
	return 0, false
}

// Int gives an int or bool of at most 64 bits.
func (m *Machine) Int(v Value) (int64, bool) {
	switch v.Kind() {
	case KindTrue:
		return 1, true
	case KindFalse:
		return 0, true
	case KindInt:
	default:
		return 0, false
	}
	op, s, ok := m.span(v, 100)
	if !ok {
		return 0, false
	}
	if op == opInt || op == opLong {
		b, ok := m.read(s, 100)
		if !ok {
			return 0, false
		}
		x, err := strconv.ParseInt(intDigits(op, b), 10, 64)
		return x, err == nil
	}
	b, ok := m.read(s, maxNarrow)
	if b = narrow(b); !ok || len(b) > 8 {
		return 0, false
	}
	x := int64(littleEndian(b))
	switch n := uint(len(b)); {
	case op == opBinInt, (op == opLong1 || op == opLong4) && n > 0 && n < 8:
		return x << (64 - 8*n) >> (64 - 8*n), true
	}
	return x, true
}

// maxNarrow is how many bytes of a number are looked at: those of all LONG1.
const maxNarrow = 255

// narrow takes away bytes of a number in two's complement that repeat its sign, beyond the eighth.
func narrow(b []byte) []byte {
	for n := len(b); n > 8; n-- {
		if sign := byte(int8(b[n-2]) >> 7); b[n-1] != sign {
			return b
		}
		b = b[:n-1]
	}
	return b
}

// Built says that BUILD gave a state to what a call gave, or that nothing is known of it.
func (m *Machine) Built(v Value) bool {
	return v.Kind() == KindCall && (!v.inArena() || *m.a.of(v)&flagBuilt != 0)
}

// intDigits gives the decimal digits of a number as the readers of text take it, or "".
func intDigits(op byte, b []byte) string {
	if op == opLong {
		b = bytes.TrimSuffix(b, []byte("L"))
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	if op == opInt {
		if d, ok := strtol(b); ok {
			return d
		}
	}
	d, _ := parseInt(b, 0)
	return d
}

func (m *Machine) zero(v Value) bool {
	if f, ok := m.Float(v); ok {
		return f == 0
	}
	x, ok := m.Int(v)
	return ok && x == 0
}

// empty says that v has no items, characters or bytes.
func (m *Machine) empty(v Value) bool {
	if k := v.Kind(); k != KindStr && k != KindStr8 {
		return m.length(v) == 0
	}
	op, s, ok := m.span(v, 2)
	if op == opString { // its quotes are in the span; cPickle alone allows more behind them
		b := m.peek(s.off, 2)
		return ok && len(b) == 2 && b[0] == b[1]
	}
	return ok && s.n == 0
}

// Float gives a float.
func (m *Machine) Float(v Value) (float64, bool) {
	if v.Kind() != KindFloat {
		return 0, false
	}
	op, s, ok := m.span(v, 400)
	if !ok {
		return 0, false
	}
	if op == opBinFloat {
		var x [8]byte
		copy(x[:], m.peek(s.off, 8))
		return math.Float64frombits(binary.BigEndian.Uint64(x[:])), true
	}
	b, ok := m.read(s, 400)
	if !ok {
		return 0, false
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	clean, _ := floatUnderscores(string(bytes.TrimSpace(b)))
	f, _ := strconv.ParseFloat(clean, 64) // beyond the range: infinity, as in Python
	return f, true
}

// Str gives the text of a str (surrogates as three bytes each) or the bytes of an 8-bit string. False if v is none, or
// longer than 64 MiB.
func (m *Machine) Str(v Value) (string, bool) {
	if k := v.Kind(); k != KindStr && k != KindStr8 {
		return "", false
	}
	b, ok := m.text(v, maxDecoded)
	return string(b), ok
}

// Is says that v is a str, 8-bit string or bytes object of exactly these bytes.
func (m *Machine) Is(v Value, s string) bool {
	if k := v.Kind(); k < KindStr || k > KindBytes {
		return false
	}
	op, at, ok := m.span(v, maxTextLine)
	if op == opString || op == opUnicode || !ok {
		b, ok := m.text(v, maxDecoded)
		return ok && string(b) == s
	}
	return at.n == int64(len(s)) && string(m.glance(at.off, len(s))) == s
}

// Data gives the contents of a str, bytes, or bytearray that no opcode has changed, if they are at most limit bytes.
func (m *Machine) Data(v Value, limit int64) ([]byte, bool) {
	if k := v.Kind(); k < KindStr || k > KindView || !m.Whole(v) {
		return nil, false
	}
	return m.text(v, min(limit, maxDecoded))
}

// Place gives where in the stream the contents of a bytes object, bytearray or counted string lie, as they are.
// False for text that is escaped, for bytearrays that an opcode has changed, and other values.
func (m *Machine) Place(v Value) (off, n int64, ok bool) {
	if k := v.Kind(); k < KindStr || k > KindView || !m.Whole(v) {
		return 0, 0, false
	}
	op, s, ok := m.span(v, maxTextLine)
	return s.off, s.n, ok && op != opString && op != opUnicode
}

// Global gives the name of a KindGlobal, or nil.
func (m *Machine) Global(v Value) *Global {
	if v.Kind() != KindGlobal {
		return nil
	}
	return m.globals[v.payload()]
}

// Call gives the callable, the arguments and the offset of the opcode that made a KindCall. If the machine had to forget
// the arguments to keep its memory, which it does only to what the top of the stack does not reach, they are 0 and the
// offset is -1, as it is of a name called without arguments; a callable that is a call's result itself is then one of which nothing is known.
func (m *Machine) Call(v Value) (callee, args Value, off int64) {
	if v.Kind() != KindCall {
		return 0, 0, 0
	}
	if !v.inArena() {
		return 0, 0, -1
	}
	s := *m.a.of(v)
	switch {
	case s&flagNoArgs != 0:
		return longCallee(s), emptyTuple, -1
	case s&flagForgot != 0:
		return longCallee(s), 0, -1
	}
	w := m.a.body(s)
	return w[2], w[3], int64(w[1])
}

// PersistentID gives the id of a KindPersistent, or 0 if the machine had to forget it.
func (m *Machine) PersistentID(v Value) Value {
	if v.Kind() != KindPersistent {
		return 0
	}
	if w := m.a.body(*m.a.of(v)); w != nil {
		return w[1]
	}
	return 0
}

// Note marks what a persistent id gave: Noted tells so even when the id is forgotten.
func (m *Machine) Note(v Value) {
	if v.Kind() == KindPersistent && v.inArena() {
		*m.a.of(v) |= flagNoted
	}
}

// Noted says that Note marked v.
func (m *Machine) Noted(v Value) bool {
	return v.Kind() == KindPersistent && v.inArena() && *m.a.of(v)&flagNoted != 0
}

// An Attachment is what one opcode gave to a call result: Args as in the Event of that Kind.
type Attachment struct {
	Kind EventKind
	Args Value
}

// Attached gives what BUILD, SETITEM(S), APPEND(S) and ADDITEMS gave to a call result, in order (Options.Contents).
func (m *Machine) Attached(v Value) []Attachment { return m.a.attached[v] }

func (m *Machine) attach(v Value, k EventKind, args Value) {
	if !m.opt.Contents || v.Kind() != KindCall {
		return
	}
	*m.a.of(v) |= flagAttached
	if m.a.attached[v] == nil {
		m.a.words += attachedWords
	}
	m.a.attached[v] = append(m.a.attached[v], Attachment{k, args})
	m.a.words += 4
}

// attachedWords is about what an entry of arena.attached needs, beside 4 for each attachment.
const attachedWords = 8
