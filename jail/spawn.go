package jail

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A spawner starts processes from one thread that lives as long as it does: the kernel kills a child with
// PR_SET_PDEATHSIG when the thread that started it ends, and Go ends threads when it likes.
type spawner struct {
	jobs chan func()
	once sync.Once
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for {
			select {
			case f := <-s.jobs:
				f()
			case <-s.done:
				return
			}
		}
	}()
	return s
}

var errClosed = errors.New("jail: the pool is closed")

// start is os.StartProcess on the spawner's thread.
func (s *spawner) start(name string, argv []string, attr *os.ProcAttr) (p *os.Process, err error) {
	ready := make(chan struct{})
	job := func() {
		defer close(ready)
		p, err = os.StartProcess(name, argv, attr)
	}
	select {
	case s.jobs <- job:
		<-ready
		return p, err
	case <-s.done:
		return nil, errClosed
	}
}

// close ends the thread, and with it every process that is still there.
func (s *spawner) close() { s.once.Do(func() { close(s.done) }) }

// procAttr is how a jailed process is born: flags are the namespaces that it gets for its own.
func procAttr(flags uintptr, cgroup *os.File, files []*os.File) *os.ProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: flags}
	root := os.Geteuid() == 0
	if flags&unix.CLONE_NEWUSER != 0 {
		uid, gid := os.Geteuid(), os.Getegid()
		if root {
			uid, gid = nobody, nobody // an escape from the namespace finds itself nobody, not root
		}
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
		sys.GidMappingsEnableSetgroups = root
		sys.Credential = &syscall.Credential{NoSetGroups: !root}
	} else if root {
		sys.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	if cgroup != nil {
		sys.UseCgroupFD, sys.CgroupFD = true, int(cgroup.Fd())
	}
	// asyncpreemptoff: the runtime sends itself no signals, so the filter needs no tgkill. It has no //go:debug directive.
	// GOMAXPROCS: a worker does one thing at a time, and set from the beginning it saves the threads that the runtime would
	// start, each of which every layer has to be put on.
	return &os.ProcAttr{Dir: "/", Env: []string{"GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1"}, Files: files, Sys: sys}
}

// socketpair makes the request socket: the parent's end can be waited for, the worker's end blocks.
func socketpair() (parent, worker *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "request"), os.NewFile(uintptr(fds[1]), "request"), nil
}
