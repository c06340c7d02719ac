package archive

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// The ways in which pickles of protocols 0 to 2 write bytes as text, as packings of a run of the file: each character stands
// for one byte.
const (
	PackedLatin1     Packing = "latin1"             // BINUNICODE: UTF-8 of the characters up to U+00FF
	PackedRawUnicode Packing = "raw-unicode-escape" // UNICODE: those characters as bytes, some as \u000a
	PackedString     Packing = "string-escape"      // STRING: Python 2's repr of a string, without its quotes
)

var texts = map[Packing]func(r *bufio.Reader, dst []byte) ([]byte, error){
	PackedLatin1: latin1Unit, PackedRawUnicode: rawUnicodeUnit, PackedString: stringUnit,
}

// A textReader decodes a text unit by unit.
type textReader struct {
	r    *bufio.Reader
	unit func(r *bufio.Reader, dst []byte) ([]byte, error) // appends what one character or escape stands for
	left []byte
	err  error
}

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(t.left) == 0 {
			if t.err != nil {
				break
			}
			t.left, t.err = t.unit(t.r, t.left[:0])
		}
		k := copy(p[n:], t.left)
		n, t.left = n+k, t.left[k:]
	}
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, t.err
}

var errText = errors.New("text that stands for no bytes")

// must is for bytes that an escape needs.
func must(r *bufio.Reader) (byte, error) {
	c, err := r.ReadByte()
	if err == io.EOF {
		err = errText
	}
	return c, err
}

func latin1Unit(r *bufio.Reader, dst []byte) ([]byte, error) {
	c, err := r.ReadByte()
	if err != nil || c < 0x80 {
		return appendIf(dst, c, err)
	}
	low, err := must(r)
	if err == nil && (c != 0xc2 && c != 0xc3 || low&0xc0 != 0x80) {
		err = errText
	}
	return appendIf(dst, c<<6|low&0x3f, err)
}

func appendIf(dst []byte, c byte, err error) ([]byte, error) {
	if err != nil {
		return dst, err
	}
	return append(dst, c), nil
}

// hex reads n digits.
func hex(r *bufio.Reader, n int) (x uint32, err error) {
	for range n {
		c, err := must(r)
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if c >= '0' && c <= '9' {
			d = int(c - '0')
		}
		if err != nil || d < 0 {
			return 0, errText
		}
		x = x<<4 | uint32(d)
	}
	return x, nil
}

// rawUnicodeUnit: a backslash that begins no escape stands for itself, and so does what follows it.
func rawUnicodeUnit(r *bufio.Reader, dst []byte) ([]byte, error) {
	c, err := r.ReadByte()
	if err != nil || c != '\\' {
		return appendIf(dst, c, err)
	}
	kind, err := r.ReadByte()
	switch {
	case err == io.EOF:
		return append(dst, c), nil
	case err != nil:
		return dst, err
	case kind != 'u' && kind != 'U':
		return append(dst, c, kind), nil
	}
	digits := 4
	if kind == 'U' {
		digits = 8
	}
	x, err := hex(r, digits)
	if err == nil && x > 0xff {
		err = errText
	}
	return appendIf(dst, byte(x), err)
}

// stringUnit reads Python's escapes in bytes (Objects/bytesobject.c, _PyBytes_DecodeEscape). Unknown ones stand for
// themselves.
func stringUnit(r *bufio.Reader, dst []byte) ([]byte, error) {
	c, err := r.ReadByte()
	if err != nil || c != '\\' {
		return appendIf(dst, c, err)
	}
	if c, err = must(r); err != nil {
		return dst, err
	}
	switch {
	case c == '\n':
		return dst, nil
	case c == 'x':
		x, err := hex(r, 2)
		return appendIf(dst, byte(x), err)
	case c >= '0' && c <= '7':
		x := c - '0'
		for range 2 {
			next, err := r.Peek(1)
			if err != nil || next[0] < '0' || next[0] > '7' {
				break
			}
			x = x<<3 | (next[0] - '0')
			if _, err := r.Discard(1); err != nil {
				return dst, err
			}
		}
		return append(dst, x), nil
	}
	if i := strings.IndexByte(`\'"bftnrva`, c); i >= 0 {
		return append(dst, "\\'\"\b\f\t\n\r\v\a"[i]), nil
	}
	return append(dst, '\\', c), nil
}
