package fs

import (
	"bufio"
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pendingPoll is how often an opener's signals are looked at once the kernel has said that there was one. The kernel says
// it once a request, and does not say which.
const pendingPoll = 50 * time.Millisecond

// harmless are the signals that do not end a wait. A Go program's scheduler sends itself SIGURG whenever a call lasts
// longer than 10 ms; answering EINTR to that would make it open the file again, for ever.
const harmless = 1<<(unix.SIGURG-1) | 1<<(unix.SIGCHLD-1) | 1<<(unix.SIGWINCH-1) | 1<<(unix.SIGCONT-1)

// untilSignalled gives a context that ends when the asker has a pending signal that is not harmless, or when the server
// gives up. The returned function must be called.
func (t *tree) untilSignalled(who asker) (context.Context, context.CancelFunc) {
	return t.endedBy(context.Background(), who.cancel, func() bool { return signalled(who.caller.Pid) })
}

// untilGone gives a context for work that key names, which outlasts waits, the contexts given, that signals have ended. It
// ends with the asker's thread, once nobody else waits for the work, and when the server gives up. The returned function must
// be called.
func (t *tree) untilGone(wait context.Context, who asker, key workKey) (context.Context, context.CancelFunc) {
	return t.endedBy(context.WithoutCancel(wait), wait.Done(), func() bool {
		return gone(who.caller.Pid) && !t.underWay.wanted(key)
	})
}

// endedBy gives a context that ends when over says so, which is asked again and again from sign on, or when the server gives up.
func (t *tree) endedBy(parent context.Context, sign <-chan struct{}, over func() bool) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(parent)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-t.done:
			stop()
			return
		case <-sign:
		}
		tick := time.NewTicker(pendingPoll)
		defer tick.Stop()
		for !over() {
			select {
			case <-ctx.Done():
				return
			case <-t.done:
				stop()
				return
			case <-tick.C:
			}
		}
		stop()
	}()
	return ctx, stop
}

// gone says whether thread tid has ended, or is about to: the kernel makes SIGKILL of whatever ends a process. A thread that
// cannot be looked at counts as gone, as it counts as signalled.
func gone(tid uint32) bool {
	m, ok := pendingOf(tid)
	return !ok || (m.pending|m.shared)&(1<<(unix.SIGKILL-1)) != 0
}

// signalled says whether thread tid has a pending signal that ends its wait. A thread that cannot be looked at counts as
// signalled: it is gone, or lives in another pid namespace (tid 0).
func signalled(tid uint32) bool {
	m, ok := pendingOf(tid)
	return !ok || (m.pending|m.shared)&^m.blocked&^harmless != 0
}

// pendingOf gives thread tid's signals; ok is false where it cannot be looked at.
func pendingOf(tid uint32) (m masks, ok bool) {
	if tid == 0 {
		return m, false
	}
	f, err := os.Open("/proc/" + strconv.FormatUint(uint64(tid), 10) + "/status")
	if err != nil {
		return m, false
	}
	defer f.Close()
	return signalMasks(bufio.NewScanner(f))
}

type masks struct{ pending, shared, blocked uint64 }

// signalMasks reads the lines SigPnd, ShdPnd and SigBlk of /proc/<tid>/status, see proc_pid_status(5).
func signalMasks(lines *bufio.Scanner) (m masks, ok bool) {
	found := 0
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		var into *uint64
		switch name {
		case "SigPnd":
			into = &m.pending
		case "ShdPnd":
			into = &m.shared
		case "SigBlk":
			into = &m.blocked
		default:
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return m, false
		}
		*into = mask
		found++
	}
	return m, found == 3
}
