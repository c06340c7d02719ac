package events

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// stuck is a reader of the log that does not read until it is let go.
type stuck struct {
	release chan struct{}
	out     bytes.Buffer
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.release
	return s.out.Write(b)
}

func TestWritersNeverWait(t *testing.T) {
	w := &stuck{release: make(chan struct{})}
	q := New(w)
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for k := range Depth {
				fmt.Fprintf(q, "%d/%d\n", i, k)
			}
		})
	}
	writers.Wait() // would hang here if a full queue made them wait
	close(w.release)
	q.Close()
	lines := strings.Count(w.out.String(), "/")
	if lines < Depth || lines > Depth+1 {
		t.Errorf("%d lines came through, want the queue's depth %d (one more may be under way)", lines, Depth)
	}
	if !strings.Contains(w.out.String(), `"events.dropped","count":`) {
		t.Error("dropped lines were not counted")
	}
}

func TestLinesAreCopiesInOrder(t *testing.T) {
	var out bytes.Buffer
	q := New(&out)
	line := []byte("one\n")
	q.Write(line)
	copy(line, "two\n")
	q.Write(line)
	q.Close()
	q.Write([]byte("late\n"))
	q.Close()
	if out.String() != "one\ntwo\n" {
		t.Errorf("got %q", out.String())
	}
}

// The process must be able to end while nobody reads its log.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	w := &stuck{release: make(chan struct{})}
	defer close(w.release)
	q := New(w)
	q.patience = time.Millisecond
	q.Write([]byte("line\n"))
	closed := make(chan struct{})
	go func() {
		q.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("Close waits for a reader who does not read")
	}
	if q := New(w); q.patience <= 0 || q.patience > 5*time.Second {
		t.Errorf("a queue's patience is %v", q.patience)
	}
}
