//go:build !lean

package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// run starts the launcher, feeds it head, and follows the program to its end.
func (c *Command) run(ctx context.Context, l *launcher, head []byte) (*CommandResult, error) {
	limits := c.Limits.withDefaults()
	began := time.Now()
	w := &worker{}
	theirs, err := w.pipes()
	if err == nil {
		_, err = w.request.Write(head)
	}
	if err == nil {
		exe := fmt.Sprintf("/proc/self/fd/%d", l.exe.Fd())
		w.proc, err = l.spawn.start(exe, []string{workerName, "command"}, commandAttr(theirs))
	}
	closeAll(theirs)
	defer closeAll([]*os.File{w.request, w.answer, w.stderr})
	if err != nil {
		return nil, &CommandError{Program: c.Program, Reason: ReasonStart, ExitCode: -1, Err: err}
	}
	timeout, cancel := context.WithTimeout(ctx, limits.Wall)
	defer cancel()
	stop := context.AfterFunc(timeout, func() { _ = w.proc.Kill() })
	defer stop()

	lines := &lineWriter{emit: c.Progress}
	stdout, stderr := &tail{max: limits.Capture}, &tail{max: limits.Capture}
	var wg sync.WaitGroup
	wg.Go(func() { drain(w.answer, stdout, lines) })
	wg.Go(func() { drain(w.stderr, stderr, lines) })
	wg.Wait() // both streams end when the last process of the jail has ended
	st, err := w.proc.Wait()
	stop()
	if err != nil {
		return nil, &CommandError{Program: c.Program, Reason: ReasonCrashed, ExitCode: -1, Err: err}
	}
	res := &CommandResult{Stdout: stdout.bytes(), Stderr: stderr.bytes(), Elapsed: time.Since(began)}
	switch {
	case st.Success():
		return res, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, c.failed(st, timeout.Err(), res.Stderr, limits)
}

// failed says how the program ended.
func (c *Command) failed(st *os.ProcessState, timeout error, stderr []byte, l CommandLimits) error {
	e := &CommandError{Program: c.Program, ExitCode: st.ExitCode(), Stderr: stderr, Reason: ReasonCrashed}
	ws, _ := waitStatus(st)
	switch {
	case timeout != nil:
		e.Reason, e.Err = ReasonTimeout, fmt.Errorf("not done after %s", l.Wall)
	case ws.Signaled() && ws.Signal() == unix.SIGSYS:
		e.Reason, e.Signal = ReasonViolation, ws.Signal()
	case ws.Signaled():
		e.Reason, e.Signal = ReasonKilled, ws.Signal()
		if usedUp(st, l.CPU) {
			e.Reason, e.Err = ReasonLimit, errors.New("CPU time used up")
		}
	case ws.ExitStatus() == exitSetup:
		e.Reason = ReasonStart
	}
	return e
}

// exitSetup is the launcher's exit status when the jail cannot be built; a program may use it too, and its stderr tells.
const exitSetup = 3

// commandAttr is procAttr with a mapping of all users when root asks: the launcher must reach input and output wherever
// they lie, before it becomes the program's user.
func commandAttr(files []*os.File) *os.ProcAttr {
	attr := procAttr(namespaces, nil, files)
	if os.Geteuid() == 0 {
		all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<32 - 1}}
		attr.Sys.UidMappings, attr.Sys.GidMappings = all, all
	}
	return attr
}
