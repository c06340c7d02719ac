package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var files = []attack{
	{"open a readable file", "ns ll sec", func(t *target) error { return open(t.Secret, unix.O_RDONLY) }},
	{"open with openat2", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_OPENAT2, cwd, str(t.Secret), ptr(unix.OpenHow{}), unix.SizeofOpenHow)
	}},
	{"open a file for writing", "ns ll sec", func(t *target) error { return open(t.Secret, unix.O_WRONLY) }},
	{"open /etc/passwd", "ns ll sec", func(*target) error { return open("/etc/passwd", unix.O_RDONLY) }},
	{"open /proc/self/status", "ns ll sec", func(*target) error { return open("/proc/self/status", unix.O_RDONLY) }},
	{"open /proc/1/environ", "ns ll sec", func(*target) error { return open("/proc/1/environ", unix.O_RDONLY) }},
	{"open /dev/null", "ns ll sec", func(*target) error { return open("/dev/null", unix.O_RDWR) }},
	{"list the root directory", "ns ll sec", func(*target) error {
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
	{"create a file", "ns ll sec", func(t *target) error { return open(t.Dir+"/new", unix.O_CREAT|unix.O_WRONLY) }},
	{"make a directory", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_MKDIRAT, cwd, str(t.Dir+"/newdir"), 0o700)
	}},
	{"make a directory in its own root", "ns ll sec", func(*target) error { return sys(unix.SYS_MKDIRAT, cwd, str("/x"), 0o700) }},
	{"make a symlink", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_SYMLINKAT, str("/etc/shadow"), cwd, str(t.Dir+"/link"))
	}},
	{"make a hard link", "ns ll sec", func(t *target) error {
		return sys(unix.SYS_LINKAT, cwd, str(t.Secret), cwd, str(t.Dir+"/hard"), 0)
	}},
	{"remove a file", "ns ll sec", func(t *target) error { return sys(unix.SYS_UNLINKAT, cwd, str(t.Dir+"/removable"), 0) }},
	{"truncate a file", "ns ll sec", func(t *target) error { return sys(unix.SYS_TRUNCATE, str(t.Secret), 0) }},
	{"stat a file", "ns sec", func(t *target) error {
		return sys(unix.SYS_STATX, cwd, str(t.Secret), 0, unix.STATX_ALL, buf(256))
	}},
	{"change a file's mode", "ns sec", func(t *target) error { return sys(unix.SYS_FCHMODAT, cwd, str(t.Dir+"/owned"), 0o777) }},
	{"set an extended attribute", "ns sec", func(t *target) error {
		return sys(unix.SYS_SETXATTR, str(t.Dir+"/owned"), str("user.x"), str("y"), 1, 0)
	}},
	{"change directory", "ns sec", func(t *target) error { return sys(unix.SYS_CHDIR, str(t.Dir)) }},
	{"chroot", "caps sec", func(*target) error { return sys(unix.SYS_CHROOT, str("/")) }},
	{"make a device node", "ns ll caps sec", func(t *target) error {
		return sys(unix.SYS_MKNODAT, cwd, str(t.Dir+"/null"), unix.S_IFCHR|0o666, 1<<8|3)
	}},
	{"open a file by handle", "ns caps sec", func(t *target) error {
		return sys(unix.SYS_OPEN_BY_HANDLE_AT, input, buf(32), unix.O_RDONLY)
	}},
	{"watch files (inotify)", "sec", func(*target) error { return sys(unix.SYS_INOTIFY_INIT1, 0) }},
	{"watch files (fanotify)", "caps sec", func(*target) error { return sys(unix.SYS_FANOTIFY_INIT, unix.FAN_CLASS_CONTENT, 0) }},
}

func open(path string, flags int) error {
	return sys(unix.SYS_OPENAT, cwd, str(path), uintptr(flags), 0o600)
}

var descriptors = []attack{
	{"write to the judged file", "sec", func(*target) error { return sys(unix.SYS_PWRITE64, input, buf(8), 8, 0) }},
	{"write to the judged file, by write", "sec", func(*target) error { return sys(unix.SYS_WRITE, input, buf(8), 8) }},
	{"truncate the judged file", "sec", func(*target) error { return sys(unix.SYS_FTRUNCATE, input, 0) }},
	{"change the judged file's mode", "sec", func(*target) error { return sys(unix.SYS_FCHMOD, input, 0o777) }},
	{"map the judged file", "sec", func(*target) error {
		return sys(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, input, 0)
	}},
	{"reopen the judged file for writing", "ns ll sec", func(*target) error {
		return open(fmt.Sprintf("/proc/self/fd/%d", input), unix.O_RDWR)
	}},
	{"lock the judged file", "sec", func(*target) error { return sys(unix.SYS_FLOCK, input, unix.LOCK_EX|unix.LOCK_NB) }},
	{"ask for a signal of the judged file", "sec", func(*target) error { return sys(unix.SYS_FCNTL, input, unix.F_SETFL, unix.O_ASYNC) }},
	{"ioctl on the judged file", "sec", func(*target) error { return sys(unix.SYS_IOCTL, input, unix.FS_IOC_GETFLAGS, buf(8)) }},
	{"duplicate a descriptor", "sec", func(*target) error { return sys(unix.SYS_DUP3, input, 50, 0) }},
	{"find an inherited descriptor", "ns ll caps lim sec", func(*target) error {
		for fd := uintptr(input + 1); fd < 1024; fd++ { // by pread, which the filter allows
			if err := sys(unix.SYS_PREAD64, fd, buf(1), 1, 0); err != unix.EBADF {
				return nil
			}
		}
		return unix.EBADF
	}},
	{"send a descriptor to the parent", "sec", func(*target) error {
		return unix.Sendmsg(0, []byte{0}, unix.UnixRights(input), nil, 0)
	}},
	{"write into the request socket", "sec", func(*target) error { return sys(unix.SYS_WRITE, 0, buf(1), 1) }},
	{"read back from the answer pipe", "sec", func(*target) error {
		r, err := sysr(unix.SYS_PPOLL, ptr(unix.PollFd{Fd: 1}), 1, ptr(unix.Timespec{}), 0, 0)
		return then(err, func() error {
			if r == 0 {
				return nil // the poll itself was possible
			}
			return errors.New("poll")
		})
	}},
	{"splice the judged file into the answer", "sec", func(*target) error {
		return sys(unix.SYS_SENDFILE, 1, input, 0, 0)
	}},
}
