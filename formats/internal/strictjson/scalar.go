package strictjson

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNumber bounds a number's text: no header of any format needs more digits.
const maxNumber = 1000

var words = []struct {
	text   string
	kind   Kind
	python bool // only with Options.AllowNaN
}{
	{"true", True, false}, {"false", False, false}, {"null", Null, false},
	{"NaN", Number, true}, {"Infinity", Number, true}, {"-Infinity", Number, true},
}

// word reads a bare word: true, false, null, and where allowed NaN and the infinities.
func (d *Decoder) word(t Token) (Token, error) {
	d.text = d.text[:0]
	for len(d.text) < 16 {
		b, ok := d.in.peek()
		if !ok || !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z') && b != '-' {
			break
		}
		d.text = append(d.text, b)
		d.in.pos++
	}
	for _, w := range words {
		if string(d.text) == w.text && (!w.python || d.o.AllowNaN) {
			t.Kind, t.Text, t.Lenient = w.kind, d.text, w.python
			return t, nil
		}
	}
	if len(d.text) == 0 {
		b, ok := d.in.peek()
		return t, d.unexpected(b, ok, d.state.expects())
	}
	return t, d.errorf(Syntax, t.Offset, "%q is no JSON value", d.text)
}

// number reads a number by RFC 8259's grammar.
func (d *Decoder) number(t Token) (Token, error) {
	d.text = d.text[:0]
	for {
		b, ok := d.in.peek()
		if !ok || !('0' <= b && b <= '9') && !bytes.ContainsRune([]byte("+-.eE"), rune(b)) {
			break
		}
		if len(d.text) >= maxNumber {
			return t, d.errorf(Limit, t.Offset, "a number longer than %d digits", maxNumber)
		}
		d.text = append(d.text, b)
		d.in.pos++
	}
	if string(d.text) == "-" && d.o.AllowNaN {
		if w, err := d.word(t); err == nil && string(w.Text) == "Infinity" {
			return w, nil
		}
		return t, d.errorf(Syntax, t.Offset, "a bare minus sign")
	}
	if !validNumber(d.text) {
		return t, d.errorf(Syntax, t.Offset, "%.40q is no JSON number", d.text)
	}
	t.Kind, t.Text = Number, d.text
	return t, d.in.readError()
}

func validNumber(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte("-"))
	rest := trimDigits(s)
	if len(rest) == len(s) || s[0] == '0' && len(s)-len(rest) > 1 {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		after := trimDigits(rest[1:])
		if len(after) == len(rest)-1 {
			return false
		}
		rest = after
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		return len(rest) > 0 && len(trimDigits(rest)) == 0
	}
	return len(rest) == 0
}

func trimDigits(s []byte) []byte { return bytes.TrimLeft(s, "0123456789") }

// str reads a string or key from its opening quote to its closing one.
func (d *Decoder) str(t Token, k Kind) (Token, error) {
	d.in.pos++
	d.text = d.text[:0]
	t.Kind = k
	for {
		if n := plain(d.in.buf[d.in.pos:]); n > 0 {
			d.keep(&t, d.in.buf[d.in.pos:d.in.pos+n]...)
			d.in.pos += n
		}
		at := d.in.offset()
		b, ok := d.in.next()
		switch {
		case !ok:
			return t, d.unexpected(0, false, "the string's closing quote")
		case b == '"':
			t.Text = d.text
			return t, nil
		case b < 0x20:
			return t, d.errorf(Syntax, at, "control character %#02x in a string", b)
		case b == '\\':
			if err := d.escape(&t, at); err != nil {
				return t, err
			}
		case b < utf8.RuneSelf:
			d.keep(&t, b)
		default:
			if err := d.multibyte(&t, at, b); err != nil {
				return t, err
			}
		}
	}
}

// plain counts the bytes at the start of b that stand for themselves in a string.
func plain(b []byte) int {
	for i, c := range b {
		if c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}

// keep appends to the token's text what still fits: a run of plain bytes may be cut, a letter not.
func (d *Decoder) keep(t *Token, b ...byte) {
	if t.Truncated {
		return
	}
	if room := d.o.MaxString - len(d.text); len(b) > room {
		t.Truncated = true
		if b[0] >= utf8.RuneSelf {
			return
		}
		b = b[:room]
	}
	d.text = append(d.text, b...)
}

// multibyte reads the rest of a UTF-8 sequence that starts with b.
func (d *Decoder) multibyte(t *Token, at int64, b byte) error {
	var seq [utf8.UTFMax]byte
	seq[0] = b
	n := 1
	for ; n < len(seq) && !utf8.FullRune(seq[:n]); n++ {
		c, ok := d.in.peek()
		if !ok || utf8.RuneStart(c) {
			break
		}
		seq[n] = c
		d.in.pos++
	}
	if r, size := utf8.DecodeRune(seq[:n]); r != utf8.RuneError || size > 1 {
		d.keep(t, seq[:n]...)
		return nil
	}
	return d.badEncoding(t, at, "invalid UTF-8")
}

func (d *Decoder) badEncoding(t *Token, at int64, what string) error {
	if !d.o.AllowUTF8 {
		return d.errorf(Encoding, at, "%s", what)
	}
	t.Lenient = true
	d.keep(t, []byte(string(utf8.RuneError))...)
	return nil
}

const (
	escapes  = `"\/bfnrt`
	escapeTo = "\"\\/\b\f\n\r\t"
)

// escape reads what follows a backslash.
func (d *Decoder) escape(t *Token, at int64) error {
	b, ok := d.in.next()
	if !ok {
		return d.unexpected(0, false, "an escape")
	}
	if i := bytes.IndexByte([]byte(escapes), b); i >= 0 {
		d.keep(t, escapeTo[i])
		return nil
	}
	if b != 'u' {
		return d.errorf(Syntax, at, `unknown escape \%c`, b)
	}
	r, err := d.hex4(at)
	if err != nil {
		return err
	}
	for utf16.IsSurrogate(r) {
		pair, second, err := d.surrogate(t, at, r)
		if err != nil || second < 0 {
			return err
		}
		if pair != utf8.RuneError {
			r = pair
			break
		}
		if err := d.badEncoding(t, at, "a lone surrogate"); err != nil {
			return err
		}
		r = second
	}
	d.keep(t, utf8.AppendRune(nil, r)...)
	return nil
}

// surrogate reads the \uXXXX after a first surrogate. second is that escape's value, negative where none follows (the
// lone surrogate is then dealt with).
func (d *Decoder) surrogate(t *Token, at int64, first rune) (pair, second rune, err error) {
	if b, ok := d.in.peek(); !ok || b != '\\' {
		return 0, -1, d.badEncoding(t, at, "a lone surrogate")
	}
	next := d.in.offset()
	d.in.pos++
	if b, ok := d.in.peek(); !ok || b != 'u' {
		if err := d.badEncoding(t, at, "a lone surrogate"); err != nil {
			return 0, -1, err
		}
		return 0, -1, d.escape(t, next)
	}
	d.in.pos++
	second, err = d.hex4(next)
	return utf16.DecodeRune(first, second), second, err
}

func (d *Decoder) hex4(at int64) (rune, error) {
	var r rune
	for range 4 {
		b, ok := d.in.next()
		switch {
		case ok && '0' <= b && b <= '9':
			r = r<<4 | rune(b-'0')
		case ok && 'a' <= b|0x20 && b|0x20 <= 'f':
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, d.errorf(Syntax, at, `\u needs four hexadecimal digits`)
		}
	}
	return r, nil
}

func (d *Decoder) errorf(kind string, at int64, format string, args ...any) error {
	return &Error{Kind: kind, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

// unexpected says what stands where something else belongs; a failed read is reported as such.
func (d *Decoder) unexpected(b byte, ok bool, want string) error {
	if err := d.in.readError(); err != nil {
		return err
	}
	if !ok {
		return d.errorf(Syntax, d.in.offset(), "the document ends where %s is expected", want)
	}
	return d.errorf(Syntax, d.in.offset(), "%q where %s is expected", b, want)
}

func (w *window) readError() error {
	if err := w.failed(); err != nil {
		return &Error{Kind: Read, Offset: w.offset(), Msg: err.Error(), Err: err}
	}
	return nil
}

func (s state) expects() string {
	switch s {
	case wantFirstKey:
		return "a key or the object's end"
	case wantKey:
		return "a key"
	case wantFirstValue:
		return "a value or the array's end"
	case wantComma:
		return "a comma or the container's end"
	case wantEnd:
		return "the end of the document"
	default:
		return "a value"
	}
}
