//go:build !lean

package jail

import (
	"io"
	"strings"
	"sync"
)

// tail keeps the last max bytes written to it.
type tail struct {
	max int
	b   []byte
}

func (t *tail) write(p []byte) {
	t.b = append(t.b, p...)
	if len(t.b) > 2*t.max { // not at each write: copying is paid for by as many bytes written
		t.b = append(t.b[:0], t.b[len(t.b)-t.max:]...)
	}
}

func (t *tail) bytes() []byte { return t.b[max(0, len(t.b)-t.max):] }

// lineWriter calls emit for each line of several streams, one at a time. Hostile text: escaped and bounded.
type lineWriter struct {
	mu   sync.Mutex
	emit func(string)
}

// maxLine bounds a line, in bytes; a longer one is cut and its rest is dropped.
const maxLine = 512

func (l *lineWriter) line(b []byte) {
	if l.emit == nil || len(b) == 0 {
		return
	}
	s := escape(strings.TrimRight(string(b), " "))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(s)
}

// drain reads r to its end into t and lines, in bounded memory.
func drain(r io.Reader, t *tail, lines *lineWriter) {
	buf := make([]byte, 16<<10)
	var line []byte
	for {
		n, err := r.Read(buf)
		t.write(buf[:n])
		for _, c := range buf[:n] {
			switch {
			case c == '\n' || c == '\r':
				lines.line(line)
				line = line[:0]
			case len(line) < maxLine:
				line = append(line, c)
			}
		}
		if err != nil {
			lines.line(line)
			return
		}
	}
}
