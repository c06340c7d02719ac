package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

var memory = []attack{
	{name: "make memory executable", stops: "sec", try: func(*target) error {
		p, err := sysr(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
		return then(err, func() error { return sys(unix.SYS_MPROTECT, p, 4096, unix.PROT_READ|unix.PROT_EXEC) })
	}},
	{name: "map executable memory", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{name: "map memory that no limit counts", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_MMAP, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{name: "make a protection key", stops: "sec", try: func(*target) error { return sys(unix.SYS_PKEY_MPROTECT, 0, 0, 0, ^uintptr(0)) }},
	{name: "make a memory file", stops: "sec", try: func(*target) error { return sys(unix.SYS_MEMFD_CREATE, str("x"), 0) }},
	{name: "make secret memory", stops: "sec", try: func(*target) error { return sys(447, 0) }},
	{name: "make shared memory", stops: "sec", try: func(*target) error { return sys(unix.SYS_SHMGET, 0, 4096, unix.IPC_CREAT|0o600) }},
	{name: "reach the host's shared memory", stops: "ns sec", try: func(*target) error {
		return sys(unix.SYS_SHMGET, 0x74727573, 0, 0)
	}},
	{name: "make a message queue", stops: "sec", try: func(*target) error { return sys(unix.SYS_MSGGET, 0, unix.IPC_CREAT|0o600) }},
	{name: "make a POSIX message queue", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_MQ_OPEN, str("trustfs-red"), unix.O_CREAT|unix.O_RDWR, 0o600, 0)
	}},
	{name: "userfaultfd", stops: "sec", try: func(*target) error { return sys(unix.SYS_USERFAULTFD, 1) }},
	{name: "lock memory", stops: "lim sec", try: func(*target) error {
		p, err := sysr(unix.SYS_MMAP, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
		return then(err, func() error { return sys(unix.SYS_MLOCK, p, 1<<20) })
	}},
}

var kernel = []attack{
	{name: "mount", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_MOUNT, str("none"), str("/"), str("tmpfs"), 0, 0) }},
	{name: "unmount", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_UMOUNT2, str("/"), unix.MNT_DETACH) }},
	{name: "pivot_root", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_PIVOT_ROOT, str("/"), str("/")) }},
	{name: "fsopen", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_FSOPEN, str("tmpfs"), 0) }},
	{name: "open_tree", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_OPEN_TREE, cwd, str("/"), unix.OPEN_TREE_CLONE) }},
	{name: "bpf", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_BPF, unix.BPF_MAP_CREATE, ptr([16]uint32{2, 4, 4, 1}), 64)
	}},
	{name: "perf_event_open", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_PERF_EVENT_OPEN, ptr(unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: 120, Bits: 1 << 5}), 0, ^uintptr(0), ^uintptr(0), 0)
	}},
	{name: "add a key", stops: "sec", try: func(*target) error { return sys(unix.SYS_ADD_KEY, str("user"), str("k"), str("v"), 1, ^uintptr(2)) }},
	{name: "read the session keyring", stops: "sec", try: func(*target) error { return sys(unix.SYS_KEYCTL, 0, ^uintptr(2), 1) }},
	{name: "load a module", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_FINIT_MODULE, input, str(""), 0) }},
	{name: "read the kernel log", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_SYSLOG, 3, buf(4096), 4096) }},
	{name: "set the clock", stops: "ns caps sec", try: func(*target) error {
		return sys(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, ptr(unix.Timespec{Sec: -1}))
	}},
	{name: "set the host name", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_SETHOSTNAME, str("red"), 3) }},
	{name: "switch on swap", stops: "ns caps sec", try: func(*target) error { return sys(unix.SYS_SWAPON, str("/nothing"), 0) }},
	{name: "ports of the machine", stops: "ns caps sec", try: func(*target) error { return sys(172, 3) }}, // iopl
	{name: "a segment of its own (modify_ldt)", stops: "sec", try: func(*target) error { return sys(unix.SYS_MODIFY_LDT, 0, buf(64), 64) }},
	{name: "a call that no kernel has", stops: "ns ll caps lim sec", try: func(*target) error { return sys(9999) }},
	{name: "a call of the x32 interface", stops: "sec", try: func(*target) error {
		err := sys(0x40000000 | unix.SYS_GETPID)
		if err == unix.ENOSYS {
			return errors.New("ENOSYS (the kernel has no x32)")
		}
		return err
	}},
	{name: "a call of the 32-bit interface (int 0x80)", stops: "sec", try: func(*target) error {
		if r := int80getpid(); r < 0 {
			return unix.Errno(-r)
		}
		return nil
	}},
}
