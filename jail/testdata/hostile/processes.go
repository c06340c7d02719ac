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
	{name: "fork", stops: "sec", try: func(*target) error { return forked(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) }},
	{name: "clone into new namespaces", stops: "sec", try: func(*target) error {
		return forked(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|unix.CLONE_NEWUSER|unix.CLONE_NEWNS)
	}},
	{name: "clone3", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_CLONE3, buf(88), 1) // too short: EINVAL where it exists, ENOSYS where it is hidden
	}},
	{name: "execute a program", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_EXECVE, str("/bin/true"), ptr([2]uintptr{str("true"), 0}), ptr([1]uintptr{0}))
	}},
	{name: "execute memory (memfd, execveat)", stops: "sec", try: func(*target) error {
		fd, err := unix.MemfdCreate("x", 0)
		return then(err, func() error {
			elf := []byte("#!/bin/true\n")
			if _, err := unix.Write(fd, elf); err != nil {
				return err
			}
			return sys(unix.SYS_EXECVEAT, uintptr(fd), str(""), ptr([2]uintptr{str("true"), 0}), ptr([1]uintptr{0}), unix.AT_EMPTY_PATH)
		})
	}},
	{name: "kill another process", stops: "ns ll sec", try: func(t *target) error { return sys(unix.SYS_KILL, uintptr(t.Victim), 0) }},
	{name: "kill another process by thread", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_TGKILL, uintptr(t.Victim), uintptr(t.Victim), 0)
	}},
	{name: "signal through a pidfd", stops: "ns ll sec", try: func(t *target) error {
		fd, err := sysr(unix.SYS_PIDFD_OPEN, uintptr(t.Victim), 0)
		return then(err, func() error { return sys(unix.SYS_PIDFD_SEND_SIGNAL, fd, 0, 0, 0) })
	}},
	{name: "steal a descriptor (pidfd_getfd)", stops: "ns ll sec", try: func(t *target) error {
		fd, err := sysr(unix.SYS_PIDFD_OPEN, uintptr(t.Victim), 0)
		return then(err, func() error { return sys(unix.SYS_PIDFD_GETFD, fd, 0, 0) })
	}},
	{name: "trace another process", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(t.Victim), 0, 0)
	}},
	{name: "read another process's memory", stops: "ns ll sec", try: func(t *target) error {
		b := make([]byte, 8)
		local := unix.Iovec{Base: &b[0], Len: 8}
		remote := unix.RemoteIovec{Base: 0x400000, Len: 8}
		err := sys(unix.SYS_PROCESS_VM_READV, uintptr(t.Victim), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
		if err == unix.EFAULT {
			return nil // permitted: only the address was a guess
		}
		return err
	}},
	{name: "write another process's memory", stops: "ns ll sec", try: func(t *target) error {
		b := make([]byte, 8)
		local := unix.Iovec{Base: &b[0], Len: 8}
		remote := unix.RemoteIovec{Base: 0, Len: 8}
		err := sys(unix.SYS_PROCESS_VM_WRITEV, uintptr(t.Victim), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
		if err == unix.EFAULT {
			return nil
		}
		return err
	}},
	{name: "change another process's limits", stops: "ns sec", try: func(t *target) error {
		return sys(unix.SYS_PRLIMIT64, uintptr(t.Victim), unix.RLIMIT_CORE, 0, buf(16))
	}},
	{name: "change another process's priority", stops: "ns sec", try: func(t *target) error {
		return sys(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, uintptr(t.Victim), 19)
	}},
	{name: "raise its own limits", stops: "lim sec", try: func(*target) error {
		return sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_FSIZE, ptr(unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}), 0)
	}},
	{name: "unshare a user namespace", stops: "sec", try: func(*target) error { return sys(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
	{name: "unshare a mount namespace", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }},
	{name: "enter a namespace", stops: "caps sec", try: func(*target) error {
		err := sys(unix.SYS_SETNS, input, 0)
		if err == unix.EINVAL {
			return unix.EINVAL // not a namespace: without /proc there is none to open
		}
		return err
	}},
	{name: "become another user", stops: "ns caps sec", try: func(*target) error { return sys(unix.SYS_SETRESUID, 1000, 1000, 1000) }},
	{name: "take capabilities", stops: "caps sec", try: func(*target) error {
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		return sys(unix.SYS_CAPSET, ptr(hdr), ptr([2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}))
	}},
	{name: "become dumpable", stops: "sec", try: func(*target) error { return sys(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }},
	{name: "survive the parent", stops: "sec", try: func(*target) error { return sys(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) }},
	{name: "change personality", stops: "sec", try: func(*target) error { return sys(unix.SYS_PERSONALITY, 0x0040000) }},
	{name: "load a filter of its own", stops: "sec", try: func(*target) error { return sys(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, ptr(uint32(0))) }},
}
