package jail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// autopsy ends the worker and says why it gave no answer. err is what do returned.
func (w *worker) autopsy(ctx context.Context, e *encodedJob, err error) error {
	we := &WorkerError{Task: e.task, Pid: w.proc.Pid}
	if sink, ok := errors.AsType[*wire.SinkError](err); ok { // whatever it wraps, it is not the worker's
		w.end()
		return cmp.Or(ctx.Err(), fmt.Errorf("jail: job %s: %w", e.task, sink))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		w.settle(time.Second) // its pipe is closed: let it die its own death, whose signal says more than ours
		w.explain(we, e, w.end())
		if ctx.Err() != nil {
			return ctx.Err() // we killed it because nobody waits any more
		}
		return we
	}
	w.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch frame := (*wire.FrameError)(nil); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		we.Reason, we.Detail = ReasonTimeout, fmt.Sprintf("no answer after %s", e.limits.wall)
	case errors.As(err, &frame):
		we.Reason, we.Detail = ReasonProtocol, frame.Error()
	default:
		we.Reason, we.Err = ReasonProtocol, err
	}
	return we
}

// settle waits for a process that is ending anyway.
func (w *worker) settle(d time.Duration) {
	for end := time.Now().Add(d); w.alive() && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
}

// explain reads the exit status. What the worker wrote on its diagnostics pipe is shown, never believed.
func (w *worker) explain(we *WorkerError, e *encodedJob, st *os.ProcessState) {
	words := w.lastWords()
	ws, ok := waitStatus(st)
	switch {
	case !ok:
		we.Reason, we.Detail = ReasonCrashed, "its exit status is unknown"
	case ws.Signaled() && ws.Signal() == unix.SIGSYS:
		we.Reason, we.Signal = ReasonViolation, ws.Signal()
		we.Syscall = w.log.denied(w.proc.Pid)
		we.Detail = "it made a system call that the jail does not allow"
	case usedUp(st, e.limits.cpu*time.Duration(max(1, w.jobs))) && (ws.Signaled() || ws.ExitStatus() != 0):
		we.Reason, we.Detail = ReasonLimit, fmt.Sprintf("CPU time of %s used up", e.limits.cpu)
		if ws.Signaled() {
			we.Signal = ws.Signal()
		}
	case ws.Signaled():
		we.Reason, we.Signal, we.Detail = ReasonKilled, ws.Signal(), strings.TrimSuffix(words, ": ")
	case strings.Contains(words, "out of memory") || strings.Contains(words, "cannot allocate memory"):
		we.Reason, we.Detail = ReasonLimit, fmt.Sprintf("memory of %d bytes used up", e.limits.data)
	default:
		we.Reason, we.Detail = ReasonCrashed, fmt.Sprintf("%sexit status %d", words, ws.ExitStatus())
	}
}

// usedUp says whether a killed process may have run for as long as it was allowed. RLIMIT_CPU counts timer ticks, the
// accounting counts nanoseconds: on a busy or virtual machine the former is ahead by a good deal.
func usedUp(st *os.ProcessState, limit time.Duration) bool {
	return st.SystemTime()+st.UserTime() >= limit/2
}

func waitStatus(st *os.ProcessState) (syscall.WaitStatus, bool) {
	if st == nil {
		return 0, false
	}
	ws, ok := st.Sys().(syscall.WaitStatus)
	return ws, ok
}

// maxWords bounds what of a worker's diagnostics is shown, in bytes.
const maxWords = 600

// lastWords is the beginning of what an ended worker wrote on its diagnostics pipe, escaped, with ": " after it.
func (w *worker) lastWords() string {
	defer w.stderr.Close()
	_ = w.stderr.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // ended: the pipe has all it will ever have
	b, _ := io.ReadAll(io.LimitReader(w.stderr, maxWords))
	s := escape(strings.TrimSpace(string(b)))
	if s == "" {
		return ""
	}
	return s + ": "
}

// escape makes hostile text fit for one line of a terminal.
func escape(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

func signalName(s syscall.Signal) string {
	if n := unix.SignalName(s); n != "" {
		return n
	}
	return fmt.Sprintf("signal %d", int(s))
}
