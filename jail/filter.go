//go:build !lean

package jail

import (
	"fmt"
	"io"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// An allowed is one system call that a worker may make, with what its arguments must be. Two rows of one name are
// alternatives; the conditions of a row must all hold.
type allowed struct {
	name  string
	conds []libseccomp.ScmpCondition
	why   string
}

func equal(arg uint, v uint64) libseccomp.ScmpCondition {
	return libseccomp.ScmpCondition{Argument: arg, Op: libseccomp.CompareEqual, Operand1: v}
}

func masked(arg uint, mask, v uint64) libseccomp.ScmpCondition {
	return libseccomp.ScmpCondition{Argument: arg, Op: libseccomp.CompareMaskedEqual, Operand1: mask, Operand2: v}
}

func atLeast(arg uint, v uint64) libseccomp.ScmpCondition {
	return libseccomp.ScmpCondition{Argument: arg, Op: libseccomp.CompareGreaterEqual, Operand1: v}
}

const (
	low32 = 0xffffffff
	// goThread are the flags with which the Go runtime starts a thread (runtime/os_linux.go, cloneFlags); on some
	// architectures runtime.clone adds CLONE_SETTLS.
	goThread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD
	// goMemory: private anonymous memory and nothing else. Shared memory, growing stacks and huge pages would not count
	// in RLIMIT_DATA.
	goMemory = unix.MAP_PRIVATE | unix.MAP_ANON
)

// workerCalls is the whole profile of a worker: what is not here kills it.
var workerCalls = []allowed{
	{"recvmsg", []libseccomp.ScmpCondition{equal(0, wire.FDRequest)}, "the request and its descriptors"},
	{"read", []libseccomp.ScmpCondition{equal(0, wire.FDRequest)}, "the rest of the request"},
	{"read", []libseccomp.ScmpCondition{equal(0, wire.FDWake)}, "the runtime drains its wake-up eventfd"},
	{"pread64", []libseccomp.ScmpCondition{atLeast(0, wire.FirstFile)}, "the judged files"},
	{"write", []libseccomp.ScmpCondition{equal(0, wire.FDAnswer)}, "the answer"},
	{"write", []libseccomp.ScmpCondition{equal(0, wire.FDStderr)}, "the runtime's last words"},
	{"write", []libseccomp.ScmpCondition{equal(0, wire.FDWake)}, "the runtime wakes its poller"},
	{"close", []libseccomp.ScmpCondition{atLeast(0, wire.FirstFile)}, "the files of the last job of a batch"},
	{"epoll_pwait", []libseccomp.ScmpCondition{equal(0, wire.FDEpoll)}, "the runtime waits for its timers"},
	{"mmap", []libseccomp.ScmpCondition{masked(2, unix.PROT_EXEC, 0), masked(3, low32&^unix.MAP_FIXED, goMemory),
		masked(4, low32, low32)}, "memory, never executable, never a file"},
	{"mprotect", []libseccomp.ScmpCondition{masked(2, low32&^(unix.PROT_READ|unix.PROT_WRITE), 0)}, "the runtime guards its stacks"},
	{"munmap", nil, "memory"},
	{"madvise", nil, "memory given back"},
	{"clone", []libseccomp.ScmpCondition{masked(0, low32&^unix.CLONE_SETTLS, goThread)}, "a thread of the runtime, never a process"},
	{"futex", nil, "the scheduler"},
	{"sched_yield", nil, "the scheduler"},
	{"nanosleep", nil, "the scheduler"},
	{"clock_gettime", nil, "clocks, where the vDSO has none"},
	{"gettid", nil, "a new thread asks its name"},
	{"getpid", nil, "the runtime asks before it raises a signal"},
	{"rt_sigprocmask", nil, "a new thread sets its mask"},
	{"rt_sigaction", nil, "the runtime gives up its handlers before it dies"},
	{"rt_sigreturn", nil, "a handled fault"},
	{"sigaltstack", nil, "a new thread sets its signal stack"},
	{"getrandom", nil, "hash seeds, where the vDSO has none"},
	{"restart_syscall", nil, "a sleep that was interrupted"},
	{"exit", nil, "a thread ends"},
	{"exit_group", nil, "the worker ends"},
}

// workerFilter is the seccomp program of a worker.
func workerFilter() ([]byte, error) { return compileFilter(workerCalls) }

// compileFilter makes the worker's seccomp program. An unlisted system call, another architecture's call and an x32 call
// kill the process; clone3 says that it does not exist, so that callers with a fallback take it.
func compileFilter(calls []allowed) ([]byte, error) {
	f, err := libseccomp.NewFilter(libseccomp.ActKillProcess)
	if err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	defer f.Release()
	if err := f.SetBadArchAction(libseccomp.ActKillProcess); err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	for _, c := range calls {
		if err := allow(f, c.name, libseccomp.ActAllow, c.conds); err != nil {
			return nil, err
		}
	}
	if err := allow(f, "clone3", libseccomp.ActErrno.SetReturnCode(int16(unix.ENOSYS)), nil); err != nil {
		return nil, err
	}
	return export(f)
}

func allow(f *libseccomp.ScmpFilter, name string, act libseccomp.ScmpAction, conds []libseccomp.ScmpCondition) error {
	nr, err := libseccomp.GetSyscallFromName(name)
	if err != nil {
		return fmt.Errorf("seccomp filter: %s: %w", name, err)
	}
	if len(conds) == 0 {
		err = f.AddRuleExact(nr, act)
	} else {
		err = f.AddRuleConditionalExact(nr, act, conds)
	}
	if err != nil {
		return fmt.Errorf("seccomp filter: %s: %w", name, err)
	}
	return nil
}

// export takes the program through a memory file: older libseccomp (2.5, Debian 12) cannot export into memory.
func export(f *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("trustfs-filter", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("seccomp filter: memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(fd), "seccomp filter")
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	const most = 4096 * 8 // the kernel's limit of instructions
	prog, err := io.ReadAll(io.NewSectionReader(file, 0, most))
	if err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	return prog, nil
}
