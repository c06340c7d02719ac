package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fork makes a process by the given call; the child ends at once.
//
//go:nosplit
func forked(nr, flags uintptr) error {
	runtime.LockOSThread()
	r, _, errno := unix.RawSyscall6(nr, flags, 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if r == 0 {
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return nil
}

var processes = []attack{
	{"fork", "sec", func(*target) error { return forked(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) }},
	{"clone into new namespaces", "sec", func(*target) error {
		return forked(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|unix.CLONE_NEWUSER|unix.CLONE_NEWNS)
	}},
	{"clone3", "sec", func(*target) error {
		return sys(unix.SYS_CLONE3, buf(88), 1) // too short: EINVAL where it exists, ENOSYS where it is hidden
	}},
	{"execute a program", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_EXECVE, str("/bin/true"), ptr([2]uintptr{str("true"), 0}), ptr([1]uintptr{0}))
	}},
	{"execute memory (memfd, execveat)", "sec", func(*target) error {
		fd, err := unix.MemfdCreate("x", 0)
		return then(err, func() error {
			elf := []byte("#!/bin/true\n")
			if _, err := unix.Write(fd, elf); err != nil {
				return err
			}
			return sys(unix.SYS_EXECVEAT, uintptr(fd), str(""), ptr([2]uintptr{str("true"), 0}), ptr([1]uintptr{0}), unix.AT_EMPTY_PATH)
		})
	}},
	{"kill another process", "ns ll sec", func(t *target) error { return sys(unix.SYS_KILL, uintptr(t.Victim), 0) }},
	{"kill another process by thread", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_TGKILL, uintptr(t.Victim), uintptr(t.Victim), 0)
	}},
	{"signal through a pidfd", "ns ll sec", func(t *target) error {
		fd, err := sysr(unix.SYS_PIDFD_OPEN, uintptr(t.Victim), 0)
		return then(err, func() error { return sys(unix.SYS_PIDFD_SEND_SIGNAL, fd, 0, 0, 0) })
	}},
	{"steal a descriptor (pidfd_getfd)", "ns ll sec", func(t *target) error {
		fd, err := sysr(unix.SYS_PIDFD_OPEN, uintptr(t.Victim), 0)
		return then(err, func() error { return sys(unix.SYS_PIDFD_GETFD, fd, 0, 0) })
	}},
	{"trace another process", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(t.Victim), 0, 0)
	}},
	{"read another process's memory", "ns ll sec", func(t *target) error {
		b := make([]byte, 8)
		local := unix.Iovec{Base: &b[0], Len: 8}
		remote := unix.RemoteIovec{Base: 0x400000, Len: 8}
		err := sys(unix.SYS_PROCESS_VM_READV, uintptr(t.Victim), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
		if err == unix.EFAULT {
			return nil // permitted: only the address was a guess
		}
		return err
	}},
	{"write another process's memory", "ns ll sec", func(t *target) error {
		b := make([]byte, 8)
		local := unix.Iovec{Base: &b[0], Len: 8}
		remote := unix.RemoteIovec{Base: 0, Len: 8}
		err := sys(unix.SYS_PROCESS_VM_WRITEV, uintptr(t.Victim), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
		if err == unix.EFAULT {
			return nil
		}
		return err
	}},
	{"change another process's limits", "ns sec", func(t *target) error {
		return sys(unix.SYS_PRLIMIT64, uintptr(t.Victim), unix.RLIMIT_CORE, 0, buf(16))
	}},
	{"change another process's priority", "ns sec", func(t *target) error {
		return sys(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, uintptr(t.Victim), 19)
	}},
	{"raise its own limits", "lim sec", func(*target) error {
		return sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_FSIZE, ptr(unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}), 0)
	}},
	{"unshare a user namespace", "sec", func(*target) error { return sys(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
	{"unshare a mount namespace", "caps sec", func(*target) error { return sys(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }},
	{"enter a namespace", "caps sec", func(*target) error {
		err := sys(unix.SYS_SETNS, input, 0)
		if err == unix.EINVAL {
			return unix.EINVAL // not a namespace: without /proc there is none to open
		}
		return err
	}},
	{"become another user", "ns caps sec", func(*target) error { return sys(unix.SYS_SETRESUID, 1000, 1000, 1000) }},
	{"take capabilities", "caps sec", func(*target) error {
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		return sys(unix.SYS_CAPSET, ptr(hdr), ptr([2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}))
	}},
	{"become dumpable", "sec", func(*target) error { return sys(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }},
	{"survive the parent", "sec", func(*target) error { return sys(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) }},
	{"change personality", "sec", func(*target) error { return sys(unix.SYS_PERSONALITY, 0x0040000) }},
	{"load a filter of its own", "sec", func(*target) error { return sys(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, ptr(uint32(0))) }},
}
