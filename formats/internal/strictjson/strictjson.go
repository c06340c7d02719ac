// Package strictjson reads hostile JSON (RFC 8259) as a stream of tokens, so that documents of any size cost little
// memory, and says what lenient readers hide: duplicate keys, names that differ only in case, lone surrogates, invalid
// UTF-8, NaN, and bytes after the value.
//
// encoding/json keeps the last of two duplicate keys and matches names without regard to case; a gate must know that
// there were two. Everything is bounded: depth, keys held for the duplicate check, and bytes kept of one string.
package strictjson

import (
	"fmt"
	"io"
)

// Kind of a Token.
type Kind uint8

// The kinds of tokens. A key is reported as Key, then its value's tokens follow.
const (
	EOF Kind = iota
	ObjectStart
	ObjectEnd
	ArrayStart
	ArrayEnd
	Key
	String
	Number
	True
	False
	Null
)

// A Token is one piece of the document. Text is valid until the next call of Next.
type Token struct {
	Kind      Kind
	Offset    int64  // of its first byte
	Text      []byte // of a Key or String, unescaped; of a Number, as written
	Truncated bool   // Text holds only the first Options.MaxString bytes
	Duplicate bool   // a Key that its object already had
	CaseTwin  bool   // a Key that differs from an earlier one of its object only in ASCII case, if Options.CaseTwins
	Lenient   bool   // accepted because an option allows what the grammar forbids
}

// Options bound and soften the reading. The zero value is strict, with the default bounds.
type Options struct {
	MaxDepth  int  // nesting of objects and arrays; 0 means 128
	MaxString int  // bytes kept of a key or string; 0 means 1 MiB. A longer string is Truncated, not an error
	MaxKeys   int  // keys of all open objects together; 0 means 1,000,000
	AllowNaN  bool // accept NaN, Infinity, -Infinity, as Python's json does
	AllowDup  bool // report duplicate keys in the token only; else they are an error
	IgnoreDup bool // do not look for duplicate keys, which costs half the time in large documents
	CaseTwins bool // look for keys that differ only in ASCII case
	AllowRest bool // leave what follows the value unread; else anything but white space is an error
	AllowUTF8 bool // accept invalid UTF-8 and lone surrogates (as U+FFFD), marking the token Lenient; else an error
}

// Kinds of errors, for errors.As on *Error.
const (
	Syntax    = "syntax"
	Duplicate = "duplicate key"
	Encoding  = "encoding"
	Limit     = "limit"
	Read      = "read"
)

// An Error says what is wrong, and at which byte.
type Error struct {
	Kind   string // one of the constants above
	Offset int64
	Msg    string
	Err    error // the failed read, if Kind is Read
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d: %s", e.Kind, e.Offset, e.Msg) }

// Unwrap returns the failed read's error.
func (e *Error) Unwrap() error { return e.Err }

// New returns a Decoder of r's first value, whose first byte is called base in offsets.
func New(r io.Reader, base int64, o Options) *Decoder {
	if o.MaxDepth == 0 {
		o.MaxDepth = 128
	}
	if o.MaxString == 0 {
		o.MaxString = 1 << 20
	}
	if o.MaxKeys == 0 {
		o.MaxKeys = 1_000_000
	}
	return &Decoder{in: window{r: r, base: base, buf: make([]byte, 0, bufSize)}, o: o, keys: newKeySets(o.MaxKeys, o.CaseTwins)}
}
