// Package pbwire walks protocol buffers in a file without their schema and without reading what it passes over: a
// model's weights lie in byte fields that nobody here needs.
package pbwire

import (
	"fmt"
	"io"
	"unicode/utf8"

	"trustfs/formats/internal/cursor"
)

// MaxFields bounds the fields that one Reader visits.
const MaxFields = 30_000_000

// maxHead is the most bytes that a tag and a length or number take.
const maxHead = 20

// A Field is one field of a message.
type Field struct {
	Num   Number
	Type  Type
	Value uint64 // of a varint or fixed number
	Span         // of a length-delimited field's content
}

// A Span is a run of bytes in the file.
type Span struct{ From, End int64 }

// Len is the number of bytes.
func (s Span) Len() int64 { return s.End - s.From }

// IsBytes says whether the field is length-delimited.
func (f Field) IsBytes() bool { return f.Type == BytesType }

// An Error says what is wrong; Limit is set where a bound was reached rather than the encoding broken.
type Error struct {
	Offset int64
	Msg    string
	Limit  bool
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Msg) }

// Unwrap returns the failed read's error.
func (e *Error) Unwrap() error { return e.Err }

// A Reader reads the messages of one file.
type Reader struct {
	c      *cursor.Cursor
	fields int
	max    int
}

// New returns a Reader of size bytes of r.
func New(r io.ReaderAt, size int64) *Reader {
	return &Reader{c: cursor.New(r, 0, size), max: MaxFields}
}

// Fields calls visit for each field of the message in s, in order, until visit returns an error. Visit may use the Reader.
// Groups, which no current schema has, are an error.
func (r *Reader) Fields(s Span, visit func(Field) error) error {
	for at := s.From; at < s.End; {
		f, next, err := r.field(at, s.End)
		if err != nil {
			return err
		}
		if err := visit(f); err != nil {
			return err
		}
		at = next
	}
	return nil
}

func (r *Reader) field(at, end int64) (f Field, next int64, err error) {
	bad := func(format string, args ...any) (Field, int64, error) {
		return f, 0, &Error{Offset: at, Msg: fmt.Sprintf(format, args...)}
	}
	if r.fields++; r.fields > r.max {
		return f, 0, &Error{Offset: at, Msg: fmt.Sprintf("more than %d fields", r.max), Limit: true}
	}
	r.c.MoveTo(at)
	head := r.c.Peek(int(min(maxHead, end-at)))
	if err := r.c.Err(); err != nil {
		return f, 0, &Error{Offset: at, Msg: err.Error(), Err: err}
	}
	num, typ, n := consumeTag(head)
	if n <= 0 {
		return bad("no field's tag")
	}
	f.Num, f.Type = num, typ
	used, size := n, 0
	switch rest := head[n:]; typ {
	case VarintType:
		f.Value, size = ConsumeVarint(rest)
	case Fixed32Type:
		f.Value, size = consumeFixed32(rest)
	case Fixed64Type:
		f.Value, size = consumeFixed64(rest)
	case BytesType:
		var length uint64
		if length, size = ConsumeVarint(rest); size > 0 {
			f.From = at + int64(used+size)
			if length > uint64(end-f.From) {
				return bad("field %d of %d bytes, %d are left", num, length, end-f.From)
			}
			f.End = f.From + int64(length)
			return f, f.End, nil
		}
	default:
		return bad("field %d of the wire type %d", num, typ)
	}
	if size <= 0 {
		return bad("field %d is cut, or its number has more than 64 bits", num)
	}
	return f, at + int64(used+size), nil
}

// Bytes returns the span's bytes; an error where there are more than limit.
func (r *Reader) Bytes(s Span, limit int) ([]byte, error) {
	if s.Len() > int64(limit) {
		return nil, &Error{Offset: s.From, Msg: fmt.Sprintf("%d bytes, at most %d are read", s.Len(), limit), Limit: true}
	}
	r.c.MoveTo(s.From)
	b := r.c.Bytes(uint64(s.Len()), limit)
	if err := r.c.Err(); err != nil {
		return nil, &Error{Offset: s.From, Msg: err.Error(), Err: err}
	}
	return b, nil
}

// Head returns up to limit of the span's first bytes as a string, invalid UTF-8 replaced: for names in findings.
func (r *Reader) Head(s Span, limit int) string {
	b, err := r.Bytes(Span{s.From, min(s.End, s.From+int64(limit))}, limit)
	if err != nil {
		return ""
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%q", b)
}
