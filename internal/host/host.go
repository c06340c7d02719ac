// Package host looks at what this machine offers to a mount: each thing is tried, not inferred from a version, wherever
// trying does no harm.
package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// A State says how a check went. The zero value is a failure.
type State int

// The states.
const (
	Missing  State = iota // needed, and not there or broken
	Optional              // not there, and only something is slower or less convenient
	Present
)

// A Check is one thing that was tried.
type Check struct {
	Name   string
	State  State
	Detail string // what was seen
	Mend   string // the one command or setting that mends it; empty when nothing is to be done
}

// Mounting lists what a mount needs of the kernel and of the system.
func Mounting() []Check {
	return []Check{kernel(), device(), fusermount(), allowOther(), beneathMounts()}
}

func kernel() Check {
	c := Check{Name: "kernel"}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		c.Detail = err.Error()
		return c
	}
	c.State, c.Detail = Present, "Linux "+unix.ByteSliceToString(u.Release[:])
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, ".", &how)
	if err != nil {
		c.State, c.Detail, c.Mend = Missing, c.Detail+": openat2: "+err.Error(), "Linux 5.6 or later; in a container, a seccomp profile that lets openat2 through"
		return c
	}
	_ = unix.Close(fd)
	return c
}

func device() Check {
	c := Check{Name: "/dev/fuse"}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		c.Detail, c.Mend = err.Error(), "modprobe fuse; in a container: --device /dev/fuse --cap-add SYS_ADMIN"
		return c
	}
	f.Close()
	c.State, c.Detail = Present, "opens for reading and writing"
	return c
}

func fusermount() Check {
	c := Check{Name: "fusermount3"}
	path, err := exec.LookPath("fusermount3")
	switch {
	case err == nil:
		c.State, c.Detail = Present, path
	case os.Geteuid() == 0:
		c.State, c.Detail = Optional, "not found; root needs none"
	default:
		c.Detail, c.Mend = "not found, and only root mounts without it", "apt-get install fuse3"
	}
	return c
}

func allowOther() Check {
	c := Check{Name: "allow_other", State: Present, Detail: "root's mounts are open to other users"}
	if os.Geteuid() == 0 {
		return c
	}
	text, err := os.ReadFile("/etc/fuse.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Check{Name: c.Name, State: Optional, Detail: err.Error()}
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == "user_allow_other" {
			c.Detail = "/etc/fuse.conf has user_allow_other"
			return c
		}
	}
	return Check{Name: c.Name, State: Optional, Detail: "a user's mount is his alone", Mend: "user_allow_other in /etc/fuse.conf"}
}

// moveMountBeneath is MOVE_MOUNT_BENEATH of linux/mount.h, since Linux 6.5.
const moveMountBeneath = 0x200

// beneathMounts tries move_mount's MOVE_MOUNT_BENEATH flag with descriptors that cannot mount anything: a kernel that knows
// the flag complains about the descriptors, an older one about the flag.
func beneathMounts() Check {
	c := Check{Name: "mounting beneath"}
	err := unix.MoveMount(-1, "", -1, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH|moveMountBeneath)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		c.State, c.Detail = Optional, fmt.Sprintf("move_mount: %v; a dead mount is healed by mounting over it (Linux 6.5 does it beneath)", err)
		return c
	}
	c.State, c.Detail = Present, "a dead mount is healed without a gap"
	return c
}
