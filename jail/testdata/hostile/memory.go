package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

var memory = []attack{
	{"make memory executable", "sec", func(*target) error {
		p, err := sysr(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
		return then(err, func() error { return sys(unix.SYS_MPROTECT, p, 4096, unix.PROT_READ|unix.PROT_EXEC) })
	}},
	{"map executable memory", "sec", func(*target) error {
		return sys(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{"map memory that no limit counts", "sec", func(*target) error {
		return sys(unix.SYS_MMAP, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{"make a protection key", "sec", func(*target) error { return sys(unix.SYS_PKEY_MPROTECT, 0, 0, 0, ^uintptr(0)) }},
	{"make a memory file", "sec", func(*target) error { return sys(unix.SYS_MEMFD_CREATE, str("x"), 0) }},
	{"make secret memory", "sec", func(*target) error { return sys(447, 0) }},
	{"make shared memory", "sec", func(*target) error { return sys(unix.SYS_SHMGET, 0, 4096, unix.IPC_CREAT|0o600) }},
	{"reach the host's shared memory", "ns sec", func(*target) error {
		return sys(unix.SYS_SHMGET, 0x74727573, 0, 0)
	}},
	{"make a message queue", "sec", func(*target) error { return sys(unix.SYS_MSGGET, 0, unix.IPC_CREAT|0o600) }},
	{"make a POSIX message queue", "sec", func(*target) error {
		return sys(unix.SYS_MQ_OPEN, str("trustfs-red"), unix.O_CREAT|unix.O_RDWR, 0o600, 0)
	}},
	{"userfaultfd", "sec", func(*target) error { return sys(unix.SYS_USERFAULTFD, 1) }},
	{"lock memory", "lim sec", func(*target) error {
		p, err := sysr(unix.SYS_MMAP, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
		return then(err, func() error { return sys(unix.SYS_MLOCK, p, 1<<20) })
	}},
}

var kernel = []attack{
	{"mount", "caps sec", func(*target) error { return sys(unix.SYS_MOUNT, str("none"), str("/"), str("tmpfs"), 0, 0) }},
	{"unmount", "caps sec", func(*target) error { return sys(unix.SYS_UMOUNT2, str("/"), unix.MNT_DETACH) }},
	{"pivot_root", "caps sec", func(*target) error { return sys(unix.SYS_PIVOT_ROOT, str("/"), str("/")) }},
	{"fsopen", "caps sec", func(*target) error { return sys(unix.SYS_FSOPEN, str("tmpfs"), 0) }},
	{"open_tree", "caps sec", func(*target) error { return sys(unix.SYS_OPEN_TREE, cwd, str("/"), unix.OPEN_TREE_CLONE) }},
	{"bpf", "sec", func(*target) error {
		return sys(unix.SYS_BPF, unix.BPF_MAP_CREATE, ptr([16]uint32{2, 4, 4, 1}), 64)
	}},
	{"perf_event_open", "sec", func(*target) error {
		return sys(unix.SYS_PERF_EVENT_OPEN, ptr(unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: 120, Bits: 1 << 5}), 0, ^uintptr(0), ^uintptr(0), 0)
	}},
	{"add a key", "sec", func(*target) error { return sys(unix.SYS_ADD_KEY, str("user"), str("k"), str("v"), 1, ^uintptr(2)) }},
	{"read the session keyring", "sec", func(*target) error { return sys(unix.SYS_KEYCTL, 0, ^uintptr(2), 1) }},
	{"load a module", "caps sec", func(*target) error { return sys(unix.SYS_FINIT_MODULE, input, str(""), 0) }},
	{"read the kernel log", "caps sec", func(*target) error { return sys(unix.SYS_SYSLOG, 3, buf(4096), 4096) }},
	{"set the clock", "ns caps sec", func(*target) error {
		return sys(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, ptr(unix.Timespec{Sec: -1}))
	}},
	{"set the host name", "caps sec", func(*target) error { return sys(unix.SYS_SETHOSTNAME, str("red"), 3) }},
	{"switch on swap", "ns caps sec", func(*target) error { return sys(unix.SYS_SWAPON, str("/nothing"), 0) }},
	{"ports of the machine", "ns caps sec", func(*target) error { return sys(172, 3) }}, // iopl
	{"a segment of its own (modify_ldt)", "sec", func(*target) error { return sys(unix.SYS_MODIFY_LDT, 0, buf(64), 64) }},
	{"a call that no kernel has", "ns ll caps lim sec", func(*target) error { return sys(9999) }},
	{"a call of the x32 interface", "sec", func(*target) error {
		err := sys(0x40000000 | unix.SYS_GETPID)
		if err == unix.ENOSYS {
			return errors.New("ENOSYS (the kernel has no x32)")
		}
		return err
	}},
	{"a call of the 32-bit interface (int 0x80)", "sec", func(*target) error {
		if r := int80getpid(); r < 0 {
			return unix.Errno(-r)
		}
		return nil
	}},
}
