package strictjson

import "io"

// What the grammar expects next.
type state uint8

const (
	wantValue      state = iota // a value
	wantFirstKey                // a key or }
	wantKey                     // a key, after a comma
	wantColon                   // : and a value
	wantFirstValue              // a value or ]
	wantComma                   // , or the end of the container
	wantEnd                     // nothing but white space
)

// A Decoder reads one document. Its first error is final.
type Decoder struct {
	in    window
	o     Options
	keys  keySets
	nest  []byte // '{' or '[' for each open container
	state state
	text  []byte
	err   error
}

// Depth is the number of open containers.
func (d *Decoder) Depth() int { return len(d.nest) }

// Offset is the position after the last token.
func (d *Decoder) Offset() int64 { return d.in.offset() }

// Next returns the next token; Kind EOF after the document's end. Errors are of type *Error.
func (d *Decoder) Next() (Token, error) {
	if d.err != nil {
		return Token{}, d.err
	}
	t, err := d.next()
	if err != nil {
		d.err = err
		return Token{}, err
	}
	return t, nil
}

func (d *Decoder) next() (Token, error) {
	if d.state == wantEnd && d.o.AllowRest {
		return Token{Kind: EOF, Offset: d.in.offset()}, nil
	}
	b, ok := d.skipSpace()
	if d.state == wantComma && ok && b == ',' {
		d.in.pos++
		d.state = wantValue
		if d.nest[len(d.nest)-1] == '{' {
			d.state = wantKey
		}
		b, ok = d.skipSpace()
	}
	if d.state == wantColon {
		if !ok || b != ':' {
			return Token{}, d.unexpected(b, ok, "a colon")
		}
		d.in.pos++
		d.state = wantValue
		b, ok = d.skipSpace()
	}
	t := Token{Offset: d.in.offset()}
	if !ok {
		if d.state == wantEnd && d.in.failed() == nil {
			return t, nil
		}
		return t, d.unexpected(0, false, d.state.expects())
	}
	return d.token(t, b)
}

// token reads the token that starts with b.
func (d *Decoder) token(t Token, b byte) (Token, error) {
	switch {
	case b == '}' && (d.state == wantFirstKey || d.state == wantComma && d.nest[len(d.nest)-1] == '{'):
		d.keys.close()
		return d.pop(t, ObjectEnd), nil
	case b == ']' && (d.state == wantFirstValue || d.state == wantComma && d.nest[len(d.nest)-1] == '['):
		return d.pop(t, ArrayEnd), nil
	case b == '"' && (d.state == wantFirstKey || d.state == wantKey):
		return d.key(t)
	case d.state == wantValue || d.state == wantFirstValue:
		return d.value(t, b)
	}
	return t, d.unexpected(b, true, d.state.expects())
}

func (d *Decoder) pop(t Token, k Kind) Token {
	d.in.pos++
	d.nest = d.nest[:len(d.nest)-1]
	d.afterValue()
	t.Kind = k
	return t
}

func (d *Decoder) push(t Token, b byte) (Token, error) {
	if len(d.nest) >= d.o.MaxDepth {
		return t, d.errorf(Limit, t.Offset, "nested deeper than %d", d.o.MaxDepth)
	}
	d.in.pos++
	d.nest = append(d.nest, b)
	t.Kind, d.state = ArrayStart, wantFirstValue
	if b == '{' {
		d.keys.open()
		t.Kind, d.state = ObjectStart, wantFirstKey
	}
	return t, nil
}

func (d *Decoder) afterValue() {
	d.state = wantComma
	if len(d.nest) == 0 {
		d.state = wantEnd
	}
}

func (d *Decoder) key(t Token) (Token, error) {
	t, err := d.str(t, Key)
	if err != nil {
		return t, err
	}
	d.state = wantColon
	if d.o.IgnoreDup {
		return t, nil
	}
	var full bool
	t.Duplicate, t.CaseTwin, full = d.keys.add(t.Text)
	if full {
		return t, d.errorf(Limit, t.Offset, "more than %d keys in open objects", d.o.MaxKeys)
	}
	if t.Duplicate && !d.o.AllowDup {
		return t, d.errorf(Duplicate, t.Offset, "%.80q occurs twice in its object", t.Text)
	}
	return t, nil
}

func (d *Decoder) value(t Token, b byte) (Token, error) {
	var err error
	switch {
	case b == '{' || b == '[':
		return d.push(t, b)
	case b == '"':
		t, err = d.str(t, String)
	case b == '-' || '0' <= b && b <= '9':
		t, err = d.number(t)
	default:
		t, err = d.word(t)
	}
	if err != nil {
		return t, err
	}
	d.afterValue()
	return t, nil
}

// skipSpace passes over JSON's white space and peeks at what follows.
func (d *Decoder) skipSpace() (byte, bool) {
	for {
		b, ok := d.in.peek()
		if !ok || b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return b, ok
		}
		d.in.pos++
	}
}

// Skip reads on to the end of the value that t began (an ObjectStart or ArrayStart; anything else has ended already).
func (d *Decoder) Skip(t Token) error {
	if t.Kind != ObjectStart && t.Kind != ArrayStart {
		return nil
	}
	for depth := len(d.nest); len(d.nest) >= depth; {
		if _, err := d.Next(); err != nil {
			return err
		}
	}
	return nil
}

var _ io.Reader = (*restReader)(nil)

// Rest reads what follows the value; use it with Options.AllowRest after the EOF token.
func (d *Decoder) Rest() io.Reader { return (*restReader)(&d.in) }

type restReader window

func (r *restReader) Read(p []byte) (int, error) {
	w := (*window)(r)
	if _, ok := w.peek(); !ok {
		return 0, w.err
	}
	n := copy(p, w.buf[w.pos:])
	w.pos += n
	return n, nil
}
