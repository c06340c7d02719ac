package opcodes

import (
	"bytes"
	"errors"
	"io"
)

const (
	windowSize = 256 << 10
	lookahead  = 64 // bytes that an opcode and its fixed argument never exceed
)

// A window is the part of the stream at hand. Offsets are those of the reader.
type window struct {
	r    io.ReaderAt
	size int64 // offset at which the stream ends
	base int64 // offset of buf[0]
	buf  []byte
	n    int // bytes of buf in use
	pos  int
	err  error // of the reader, other than its end
}

func (w *window) off() int64 { return w.base + int64(w.pos) }

// seek makes off the position.
func (w *window) seek(off int64) {
	if off >= w.base && off <= w.base+int64(w.n) {
		w.pos = int(off - w.base)
		return
	}
	w.base, w.n, w.pos = off, 0, 0
}

// fill slides the window so that it begins at the position and is full, or ends with the stream.
func (w *window) fill() {
	if w.err != nil || w.base+int64(w.n) >= w.size {
		return
	}
	copy(w.buf, w.buf[w.pos:w.n])
	w.base += int64(w.pos)
	w.n -= w.pos
	w.pos = 0
	want := int(min(int64(len(w.buf)-w.n), w.size-w.base-int64(w.n)))
	got, err := readAt(w.r, w.buf[w.n:w.n+want], w.base+int64(w.n))
	w.n += got
	if got < want {
		w.err = err
	}
}

// readAt fills b, or says why not.
func readAt(r io.ReaderAt, b []byte, off int64) (int, error) {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// line gives the length of the line at the position, with its newline; without one, the stream's end has found is
// false. The line need not be in the window.
func (w *window) line() (n int64, found bool) {
	if w.n-w.pos < lookahead {
		w.fill()
	}
	if i := bytes.IndexByte(w.buf[w.pos:w.n], '\n'); i >= 0 {
		return int64(i) + 1, true
	}
	w.fill()
	start, at := w.off(), w.pos
	for {
		if i := bytes.IndexByte(w.buf[at:w.n], '\n'); i >= 0 {
			end := w.base + int64(at+i) + 1
			w.seek(start)
			return end - start, true
		}
		end := w.base + int64(w.n)
		w.seek(end)
		w.fill()
		if w.n == w.pos {
			w.seek(start)
			return end - start, false
		}
		at = w.pos
	}
}

// bytes gives n bytes at the position, without moving it, from the window where they lie in it. n must be within the
// stream, and bounded by the caller.
func (w *window) bytes(n int) ([]byte, error) {
	if w.n-w.pos < n && n <= len(w.buf) {
		w.fill()
	}
	if w.n-w.pos >= n {
		return w.buf[w.pos : w.pos+n], nil
	}
	b := make([]byte, n)
	_, err := readAt(w.r, b, w.off())
	return b, err
}
