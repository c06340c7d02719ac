package inside

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"

	"trustfs/jail/wire"
)

// confine takes everything away, the filter last. The order matters: a mount needs the capabilities, Landlock forbids
// mounting, the filter forbids all of it.
func confine(s *wire.Setup) (landlockABI int, err error) {
	// Killed with the parent; the parent has set it too, before exec, and exec keeps it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return 0, fmt.Errorf("parent-death signal: %w", err)
	}
	nameProcess()
	if err := limit(s.Rlimits); err != nil {
		return 0, err
	}
	if s.Root {
		if err := emptyRoot(); err != nil {
			return 0, err
		}
	}
	if err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return 0, fmt.Errorf("no_new_privs: %w", err)
	}
	if s.Landlock {
		if landlockABI, err = restrict(); err != nil {
			return 0, err
		}
	}
	if s.Caps {
		if err := dropCapabilities(); err != nil {
			return 0, err
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("not dumpable: %w", err)
	}
	return landlockABI, loadFilter(s.Filter)
}

func limit(rs []wire.Rlimit) error {
	for _, r := range rs {
		if err := unix.Setrlimit(r.Resource, &unix.Rlimit{Cur: r.Limit, Max: r.Limit}); err != nil {
			return fmt.Errorf("resource limit %d to %d: %w", r.Resource, r.Limit, err)
		}
	}
	return nil
}

// restrict gives Landlock no rule at all: nothing in the filesystem, no TCP port, no signal and no abstract socket
// outside the worker, as far as the kernel's ABI goes.
func restrict() (abi int, err error) {
	abi, err = llsys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return 0, errors.New("Landlock: this kernel does not offer it")
	}
	if err := landlock.V11.BestEffort().Restrict(); err != nil {
		return 0, fmt.Errorf("Landlock: %w", err)
	}
	return abi, nil
}

// dropCapabilities empties every set of every thread; no_new_privs and the missing execve keep them empty.
func dropCapabilities() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_ = allThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0)
	if err := allThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data[0])), 0); err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	return nil
}

// allThreads makes a system call on every thread of the runtime: credentials belong to threads.
func allThreads(nr, a, b, c uintptr) error {
	if _, _, errno := psx.Syscall3(nr, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

// loadFilter loads the parent's filter into all threads at once.
func loadFilter(prog []byte) error {
	const insn = 8 // bytes of a struct sock_filter
	if len(prog) == 0 {
		return nil // only a test asks for this: the parent refuses to work without a filter otherwise
	}
	if len(prog)%insn != 0 || len(prog)/insn > 4096 {
		return fmt.Errorf("seccomp: a filter of %d bytes is none", len(prog))
	}
	fprog := unix.SockFprog{Len: uint16(len(prog) / insn), Filter: (*unix.SockFilter)(unsafe.Pointer(&prog[0]))}
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if r != 0 {
		return fmt.Errorf("seccomp: thread %d could not take the filter", r)
	}
	return nil
}

func nameProcess() {
	name := [16]byte{}
	copy(name[:15], "trustfs-worker")
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
}
