package pickle

import "trustfs/formats"

const (
	maxPadding = 1 << 20 // bytes of padding skipped before a further stream
	maxProbes  = 4096    // places in one file at which a further stream is looked for
	scanWindow = 64 << 10
)

// rest looks at what follows the last stream the way that loaders of stacked pickles, joblib and legacy torch would:
// further streams at once or behind padding, and streams anywhere behind that begin with a PROTO opcode.
func (w *work) rest() {
	for n := 0; w.out.End < w.s.Size && n < maxStacked && !w.c.Stopped(); n++ {
		start := skipPadding(w.s, w.out.End)
		if start == w.s.Size {
			return
		}
		if !w.promising(start) {
			w.scan(start)
			return
		}
		end, err := w.stream(start)
		if err != nil {
			w.broken(err)
			w.scan(start + 1)
			return
		}
		w.out.Streams, w.out.End = w.out.Streams+1, end
	}
	if w.out.End < w.s.Size && !w.c.Stopped() {
		w.c.Exceeded(w.s.At(w.out.End), "more than %d pickles behind one another", maxStacked)
	}
}

// skipPadding gives the offset of the first byte from off on that is no padding.
func skipPadding(s *formats.Source, off int64) int64 {
	buf := make([]byte, 4096)
	for end := min(s.Size, off+maxPadding); off < end; {
		n, err := s.R.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		for i, b := range buf[:n] {
			if b != 0 && b != ' ' && b != '\n' && b != '\r' && b != '\t' {
				return off + int64(i)
			}
		}
		off += int64(n)
		if err != nil {
			break
		}
	}
	return off
}

// scan looks for further streams by their PROTO opcode in bytes that no known loader explains, and says that there
// are such bytes.
func (w *work) scan(off int64) {
	w.c.Addf(formats.RulePickleTrailing, w.s.At(w.out.End), "%d bytes after the last pickle that no loader of pickles expects", w.s.Size-w.out.End)
	buf := make([]byte, scanWindow)
	for off < w.s.Size && !w.c.Stopped() {
		n, err := w.s.R.ReadAt(buf[:min(int64(len(buf)), w.s.Size-off)], off)
		next := off + int64(max(n-1, 1))
		for i := 0; i+1 < n; i++ {
			start := off + int64(i)
			if buf[i] != 0x80 || buf[i+1] > 5 || !w.active(start) {
				continue
			}
			if end, err := w.stream(start); err == nil {
				w.out.Streams++
				next = max(end, start+1)
				break
			}
		}
		if err != nil && n == 0 {
			return
		}
		off = next
	}
}
