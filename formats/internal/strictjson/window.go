package strictjson

import "io"

const bufSize = 32 << 10

// window is a buffered reader that knows its offset and keeps the first failure.
type window struct {
	r    io.Reader
	base int64 // offset of buf[0]
	buf  []byte
	pos  int
	err  error
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

// peek returns the next byte without taking it; ok is false at the end or after a failed read.
func (w *window) peek() (b byte, ok bool) {
	if w.pos < len(w.buf) {
		return w.buf[w.pos], true
	}
	if !w.fill() {
		return 0, false
	}
	return w.buf[w.pos], true
}

func (w *window) next() (b byte, ok bool) {
	b, ok = w.peek()
	if ok {
		w.pos++
	}
	return b, ok
}

func (w *window) fill() bool {
	for range 100 { // a reader may return nothing a few times, not for ever
		if w.err != nil {
			return false
		}
		w.base += int64(len(w.buf))
		w.buf, w.pos = w.buf[:0], 0
		var n int
		n, w.err = w.r.Read(w.buf[:cap(w.buf)])
		w.buf = w.buf[:n]
		if n > 0 {
			return true
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// failed returns the read error, nil at a plain end.
func (w *window) failed() error {
	if w.err == io.EOF {
		return nil
	}
	return w.err
}
