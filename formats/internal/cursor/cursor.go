// Package cursor reads binary structures forwards through a small window over an io.ReaderAt, with one sticky error, so
// that a parser can be written as a straight line and be bounded: nothing is read beyond its end, and no length from
// the file is allocated before it is known to lie inside.
package cursor

import (
	"encoding/binary"
	"fmt"
	"io"
)

const windowSize = 16 << 10

// A Cursor reads [offset, end) of R. The zero Order is little-endian where New made it.
type Cursor struct {
	R     io.ReaderAt
	Order binary.ByteOrder

	off, end int64
	buf      []byte // bytes of R from bufOff
	bufOff   int64
	err      error
}

// An Error says that a structure does not fit.
type Error struct {
	Offset int64
	Msg    string
	Err    error // a failed read, nil where the file is at fault
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Msg) }

// Unwrap returns the failed read's error.
func (e *Error) Unwrap() error { return e.Err }

// New returns a Cursor over [from, end) of r, little-endian. A range that is none is empty.
func New(r io.ReaderAt, from, end int64) *Cursor {
	from = max(from, 0)
	return &Cursor{R: r, Order: binary.LittleEndian, off: from, end: max(end, from)}
}

// Offset is the position of the next byte.
func (c *Cursor) Offset() int64 { return c.off }

// Len is the number of bytes left.
func (c *Cursor) Len() int64 { return c.end - c.off }

// Err is the first error, nil while everything fitted.
func (c *Cursor) Err() error { return c.err }

// Fail makes err the sticky error, unless there is one.
func (c *Cursor) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = &Error{Offset: c.off, Msg: fmt.Sprintf(format, args...)}
	}
}

// Peek returns the next n bytes without taking them, valid until the next call; nil after an error. n is at most 16 KiB.
func (c *Cursor) Peek(n int) []byte {
	if c.err == nil && (n < 0 || n > windowSize || int64(n) > c.Len()) {
		c.Fail("%d bytes are wanted, %d are left", n, c.Len())
	}
	if c.err != nil {
		return nil
	}
	if at := c.off - c.bufOff; at >= 0 && at+int64(n) <= int64(len(c.buf)) {
		return c.buf[at : at+int64(n)]
	}
	if c.buf == nil {
		c.buf = make([]byte, 0, min(c.end, windowSize))
	}
	c.bufOff, c.buf = c.off, c.buf[:min(c.Len(), windowSize)]
	if got, err := c.R.ReadAt(c.buf, c.off); got < len(c.buf) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		c.err = &Error{Offset: c.off, Msg: err.Error(), Err: err}
		c.buf = c.buf[:0]
		return nil
	}
	return c.buf[:n]
}

// Skip passes over n bytes.
func (c *Cursor) Skip(n uint64) {
	if c.err == nil && n > uint64(c.Len()) {
		c.Fail("%d bytes are wanted, %d are left", n, c.Len())
	}
	if c.err == nil {
		c.off += int64(n)
	}
}

// MoveTo moves to an absolute offset inside the cursor's file; forwards or backwards.
func (c *Cursor) MoveTo(off int64) {
	if c.err == nil && (off < 0 || off > c.end) {
		c.Fail("offset %d is wanted, the end is %d", off, c.end)
	}
	if c.err == nil {
		c.off = off
	}
}

// Bytes takes n bytes, which must be at most limit.
func (c *Cursor) Bytes(n uint64, limit int) []byte {
	if c.err == nil && (n > uint64(c.Len()) || n > uint64(limit)) {
		c.Fail("%d bytes are wanted, %d are left and %d allowed", n, c.Len(), limit)
	}
	if c.err != nil {
		return nil
	}
	b := make([]byte, n)
	if n <= windowSize {
		copy(b, c.Peek(int(n)))
	} else if got, err := c.R.ReadAt(b, c.off); got < len(b) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		c.err = &Error{Offset: c.off, Msg: err.Error(), Err: err}
	}
	if c.err != nil {
		return nil
	}
	c.off += int64(n)
	return b
}

// U8, U16, U32 and U64 take an unsigned integer in the cursor's order; 0 after an error.
func (c *Cursor) U8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 takes two bytes.
func (c *Cursor) U16() uint16 {
	if b := c.take(2); b != nil {
		return c.Order.Uint16(b)
	}
	return 0
}

// U32 takes four bytes.
func (c *Cursor) U32() uint32 {
	if b := c.take(4); b != nil {
		return c.Order.Uint32(b)
	}
	return 0
}

// U64 takes eight bytes.
func (c *Cursor) U64() uint64 {
	if b := c.take(8); b != nil {
		return c.Order.Uint64(b)
	}
	return 0
}

func (c *Cursor) take(n int) []byte {
	b := c.Peek(n)
	if b != nil {
		c.off += int64(n)
	}
	return b
}
