// Package events writes the daemon's log without ever waiting for whoever reads it: the reader may itself be waiting for
// the mount (a shell whose prompt looks at it, a log collector that keeps its files there), and then nobody would move.
package events

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Depth is how many lines wait at most; further ones are dropped and counted.
const Depth = 4096

// A Queue is an io.Writer that takes one line a call and returns at once. Made by New.
type Queue struct {
	lines   chan []byte
	dropped atomic.Int64
	mu      sync.RWMutex // held for writing by Close, so that no line is sent on a closed channel
	closed  bool         // guarded by mu
	done    chan struct{}
	// patience is how long Close waits for a reader of the log that does not read.
	patience time.Duration
}

// patience is well below what a service manager waits before it kills.
const patience = 2 * time.Second

// New writes to w from a goroutine of its own.
func New(w io.Writer) *Queue {
	q := &Queue{lines: make(chan []byte, Depth), done: make(chan struct{}), patience: patience}
	go q.run(w)
	return q
}

func (q *Queue) run(w io.Writer) {
	defer close(q.done)
	for line := range q.lines {
		if n := q.dropped.Swap(0); n > 0 {
			fmt.Fprintf(w, `{"level":"WARN","msg":"events.dropped","count":%d}`+"\n", n)
		}
		_, _ = w.Write(line) // nobody is left to tell
	}
}

// Write queues a copy of line. It never fails and never waits.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return len(line), nil
	}
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.dropped.Add(1)
	}
	return len(line), nil
}

// Close lets what is queued be written, and returns when it is, or after two seconds: nobody may read the log any more, and
// the process has to end all the same. Lines that come later are lost.
func (q *Queue) Close() {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.mu.Unlock()
	if first {
		close(q.lines)
	}
	select {
	case <-q.done:
	case <-time.After(q.patience):
	}
}
