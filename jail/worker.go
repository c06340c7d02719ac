package jail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// A worker is one jailed process, seen from the parent. One goroutine at a time owns it.
type worker struct {
	proc    *os.Process
	request *os.File // socket, the parent's end
	answer  *os.File // pipe, reading end
	stderr  *os.File // pipe, reading end; read only once the worker has ended, so a flood blocks the worker alone
	hello   wire.Hello
	slot    *slot // cgroup leaf; nil: none
	on      layers
	log     *kernelLog // names the system call that killed it
	jobs    int        // done so far, a batch being one
	wear    int        // by the files of a batch that it has judged; see maxWear

	reap  sync.Once
	state *os.ProcessState // set by reap
}

// startTimeout bounds the way into the jail, which takes milliseconds on an idle machine.
const startTimeout = 20 * time.Second

// ready waits until the worker says that it is jailed.
func (w *worker) ready() error {
	if err := w.answer.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	kind, b, err := wire.ReadAnswer(w.answer, wire.MaxHello)
	if err == nil && kind != wire.KindHello {
		err = fmt.Errorf("the first message is of kind %d", kind)
	}
	if err == nil {
		err = json.Unmarshal(b, &w.hello)
	}
	if err == nil {
		return w.answer.SetReadDeadline(time.Time{})
	}
	w.end()
	return fmt.Errorf("a worker did not get into the jail: %s%w", w.lastWords(), err)
}

// alive says whether the process has not ended yet, without taking its exit status.
func (w *worker) alive() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, w.proc.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}

// do sends the job and reads the answer. Any error leaves the worker fit for end alone.
func (w *worker) do(ctx context.Context, e *encodedJob) (wire.Kind, []byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = w.proc.Kill() })
	defer stop()
	if err := w.prepare(e); err != nil {
		return 0, nil, err
	}
	if err := w.send(e); err != nil {
		return 0, nil, err
	}
	if e.sink != nil {
		w.widen()
	}
	kind, b, err := wire.ReadData(w.answer, e.limits.answer, e.sink, e.sinkSize)
	w.jobs++
	return kind, b, err
}

// prepare sets the job's limits.
func (w *worker) prepare(e *encodedJob) error {
	if w.on.has(layerLimits) {
		err := w.budget(e)
		if errors.Is(err, unix.EPERM) && !w.on.has(layerNamespaces) {
			err = nil // the limits of its birth hold; see rlimits
		}
		if err != nil {
			return err
		}
	}
	deadline := time.Now().Add(e.limits.wall)
	return errors.Join(w.request.SetWriteDeadline(deadline), w.answer.SetReadDeadline(deadline))
}

// budget sets the job's memory and CPU time from outside. Nobody has waited for the process yet, so its id is its own.
func (w *worker) budget(e *encodedJob) error {
	data := unix.Rlimit{Cur: uint64(e.limits.data), Max: uint64(e.limits.data)}
	seconds := uint64(e.limits.cpu/time.Second) * uint64(w.jobs+1)
	cpu := unix.Rlimit{Cur: seconds, Max: seconds}
	if e.reuse { // the next job of the batch may need more; the filter leaves no way to raise a soft limit from inside
		data.Max, cpu.Max = unix.RLIM_INFINITY, unix.RLIM_INFINITY
	}
	if err := unix.Prlimit(w.proc.Pid, unix.RLIMIT_DATA, &data, nil); err != nil {
		return fmt.Errorf("memory limit: %w", err)
	}
	if err := unix.Prlimit(w.proc.Pid, unix.RLIMIT_CPU, &cpu, nil); err != nil {
		return fmt.Errorf("CPU limit: %w", err)
	}
	return nil
}

// send writes the request with its descriptors, then the manifests.
func (w *worker) send(e *encodedJob) error {
	fds := make([]int, len(e.files))
	for i, f := range e.files {
		fds[i] = int(f.Fd())
	}
	raw, err := w.request.SyscallConn()
	if err != nil {
		return err
	}
	var n int
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		n, sendErr = unix.SendmsgN(int(fd), e.head, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return sendErr != unix.EAGAIN && sendErr != unix.EINTR
	})
	if err = errors.Join(err, sendErr); err != nil {
		return err
	}
	for _, b := range append([][]byte{e.head[n:]}, e.manifests...) {
		if len(b) == 0 {
			continue // nothing is due, and a worker that needed no more may be gone
		}
		if _, err := w.request.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// widen gives the answer pipe the room of a whole frame, if the kernel lets it: a worker need not wait for each 64 KiB.
func (w *worker) widen() {
	if raw, err := w.answer.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, wire.MaxData) })
	}
}

// clean says that nothing is left in the answer pipe: a reused worker must not have the next answer ready.
func (w *worker) clean() bool {
	raw, err := w.answer.SyscallConn()
	if err != nil {
		return false
	}
	empty := false
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		empty = err == nil && n == 0
	})
	return err == nil && empty
}

// end kills the process, takes its exit status and closes everything.
func (w *worker) end() *os.ProcessState {
	w.reap.Do(func() {
		_ = w.proc.Kill()
		w.state, _ = w.proc.Wait()
		w.request.Close()
		w.answer.Close()
	})
	return w.state
}
