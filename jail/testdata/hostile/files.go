package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var files = []attack{
	{name: "open a readable file", stops: "ns ll sec", try: func(t *target) error { return open(t.Secret, unix.O_RDONLY) }},
	{name: "open with openat2", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_OPENAT2, cwd, str(t.Secret), ptr(unix.OpenHow{}), unix.SizeofOpenHow)
	}},
	{name: "open a file for writing", stops: "ns ll sec", try: func(t *target) error { return open(t.Secret, unix.O_WRONLY) }},
	{name: "open /etc/passwd", stops: "ns ll sec", try: func(*target) error { return open("/etc/passwd", unix.O_RDONLY) }},
	{name: "open /proc/self/status", stops: "ns ll sec", try: func(*target) error { return open("/proc/self/status", unix.O_RDONLY) }},
	{name: "open /proc/1/environ", stops: "ns ll sec", try: func(*target) error { return open("/proc/1/environ", unix.O_RDONLY) }},
	{name: "open /dev/null", stops: "ns ll sec", try: func(*target) error { return open("/dev/null", unix.O_RDWR) }},
	{name: "list the root directory", stops: "ns ll sec", try: func(*target) error {
		fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		n, err := sysr(unix.SYS_GETDENTS64, uintptr(fd), buf(4096), 4096)
		if err == nil && n <= 2*24 { // "." and ".."
			return errors.New("the root is empty")
		}
		return err
	}},
	{name: "create a file", stops: "ns ll sec", try: func(t *target) error { return open(t.Dir+"/new", unix.O_CREAT|unix.O_WRONLY) }},
	{name: "make a directory", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_MKDIRAT, cwd, str(t.Dir+"/newdir"), 0o700)
	}},
	{name: "make a directory in its own root", stops: "ns ll sec", try: func(*target) error { return sys(unix.SYS_MKDIRAT, cwd, str("/x"), 0o700) }},
	{name: "make a symlink", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_SYMLINKAT, str("/etc/shadow"), cwd, str(t.Dir+"/link"))
	}},
	{name: "make a hard link", stops: "ns ll sec", try: func(t *target) error {
		return sys(unix.SYS_LINKAT, cwd, str(t.Secret), cwd, str(t.Dir+"/hard"), 0)
	}},
	{name: "remove a file", stops: "ns ll sec", try: func(t *target) error { return sys(unix.SYS_UNLINKAT, cwd, str(t.Dir+"/removable"), 0) }},
	{name: "truncate a file", stops: "ns ll sec", try: func(t *target) error { return sys(unix.SYS_TRUNCATE, str(t.Secret), 0) }},
	{name: "stat a file", stops: "ns sec", try: func(t *target) error {
		return sys(unix.SYS_STATX, cwd, str(t.Secret), 0, unix.STATX_ALL, buf(256))
	}},
	{name: "change a file's mode", stops: "ns sec", try: func(t *target) error { return sys(unix.SYS_FCHMODAT, cwd, str(t.Dir+"/owned"), 0o777) }},
	{name: "set an extended attribute", stops: "ns sec", try: func(t *target) error {
		return sys(unix.SYS_SETXATTR, str(t.Dir+"/owned"), str("user.x"), str("y"), 1, 0)
	}},
	{name: "change directory", stops: "ns sec", try: func(t *target) error { return sys(unix.SYS_CHDIR, str(t.Dir)) }},
	{name: "chroot", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_CHROOT, str("/")) }},
	{name: "make a device node", stops: "ns ll caps sec", try: func(t *target) error {
		return sys(unix.SYS_MKNODAT, cwd, str(t.Dir+"/null"), unix.S_IFCHR|0o666, 1<<8|3)
	}},
	{name: "open a file by handle", stops: "ns caps sec", try: func(t *target) error {
		return sys(unix.SYS_OPEN_BY_HANDLE_AT, input, buf(32), unix.O_RDONLY)
	}},
	{name: "watch files (inotify)", stops: "sec", try: func(*target) error { return sys(unix.SYS_INOTIFY_INIT1, 0) }},
	{name: "watch files (fanotify)", stops: "caps sec", try: func(*target) error { return sys(unix.SYS_FANOTIFY_INIT, unix.FAN_CLASS_CONTENT, 0) }},
}

func open(path string, flags int) error {
	return sys(unix.SYS_OPENAT, cwd, str(path), uintptr(flags), 0o600)
}

var descriptors = []attack{
	{name: "write to the judged file", stops: "sec", try: func(*target) error { return sys(unix.SYS_PWRITE64, input, buf(8), 8, 0) }},
	{name: "write to the judged file, by write", stops: "sec", try: func(*target) error { return sys(unix.SYS_WRITE, input, buf(8), 8) }},
	{name: "truncate the judged file", stops: "sec", try: func(*target) error { return sys(unix.SYS_FTRUNCATE, input, 0) }},
	{name: "change the judged file's mode", stops: "sec", try: func(*target) error { return sys(unix.SYS_FCHMOD, input, 0o777) }},
	{name: "map the judged file", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, input, 0)
	}},
	{name: "reopen the judged file for writing", stops: "ns ll sec", try: func(*target) error {
		return open(fmt.Sprintf("/proc/self/fd/%d", input), unix.O_RDWR)
	}},
	{name: "lock the judged file", stops: "sec", try: func(*target) error { return sys(unix.SYS_FLOCK, input, unix.LOCK_EX|unix.LOCK_NB) }},
	{name: "ask for a signal of the judged file", stops: "sec", try: func(*target) error { return sys(unix.SYS_FCNTL, input, unix.F_SETFL, unix.O_ASYNC) }},
	{name: "ioctl on the judged file", stops: "sec", try: func(*target) error { return sys(unix.SYS_IOCTL, input, unix.FS_IOC_GETFLAGS, buf(8)) }},
	{name: "duplicate a descriptor", stops: "sec", try: func(*target) error { return sys(unix.SYS_DUP3, input, 50, 0) }},
	{name: "find an inherited descriptor", stops: "ns ll caps lim sec", try: func(*target) error {
		for fd := uintptr(input + 1); fd < 1024; fd++ { // by pread, which the filter allows
			if err := sys(unix.SYS_PREAD64, fd, buf(1), 1, 0); err != unix.EBADF {
				return nil
			}
		}
		return unix.EBADF
	}},
	{name: "send a descriptor to the parent", stops: "sec", try: func(*target) error {
		return unix.Sendmsg(0, []byte{0}, unix.UnixRights(input), nil, 0)
	}},
	{name: "write into the request socket", stops: "sec", try: func(*target) error { return sys(unix.SYS_WRITE, 0, buf(1), 1) }},
	{name: "read back from the answer pipe", stops: "sec", try: func(*target) error {
		r, err := sysr(unix.SYS_PPOLL, ptr(unix.PollFd{Fd: 1}), 1, ptr(unix.Timespec{}), 0, 0)
		return then(err, func() error {
			if r == 0 {
				return nil // the poll itself was possible
			}
			return errors.New("poll")
		})
	}},
	{name: "splice the judged file into the answer", stops: "sec", try: func(*target) error {
		return sys(unix.SYS_SENDFILE, 1, input, 0, 0)
	}},
}
