package mount

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// moveMountBeneath is MOVE_MOUNT_BENEATH of linux/mount.h (Linux 6.5).
const moveMountBeneath = 0x200

// MaxRead is the most that one read request asks for, in bytes: what Linux sends in 256 pages.
const MaxRead = 1 << 20

// Fuse makes a detached, read-only FUSE mount whose requests come to device (a descriptor of /dev/fuse). default_permissions has the
// kernel decide by mode and ACL. The caller answers INIT and then attaches it.
func Fuse(device int, source string, allowOther bool) (*os.File, error) {
	ctx, err := unix.Fsopen("fuse", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(ctx)
	for _, o := range [][2]string{
		{"source", source}, {"subtype", subtype}, {"fd", fmt.Sprint(device)}, {"rootmode", "40000"},
		{"user_id", fmt.Sprint(os.Geteuid())}, {"group_id", fmt.Sprint(os.Getegid())}, {"max_read", fmt.Sprint(MaxRead)},
	} {
		if err := unix.FsconfigSetString(ctx, o[0], o[1]); err != nil {
			return nil, fmt.Errorf("fsconfig %s=%s: %w", o[0], o[1], err)
		}
	}
	flags := []string{"ro", "default_permissions"}
	if allowOther {
		flags = append(flags, "allow_other")
	}
	for _, name := range flags {
		if err := unix.FsconfigSetFlag(ctx, name); err != nil {
			return nil, fmt.Errorf("fsconfig %s: %w", name, err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, fmt.Errorf("fsconfig create: %w", err)
	}
	return detached(ctx, source)
}

// harmless are the attributes of every mount made here.
const harmless = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

func detached(ctx int, name string) (*os.File, error) {
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, harmless)
	if err != nil {
		return nil, fmt.Errorf("fsmount: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Attach puts a detached mount in its place. What stands there from before goes once the new mount is beneath it.
func Attach(m *os.File, p Place) error {
	if !p.AtTop || p.State == Free {
		return move(m, p.Path, 0)
	}
	below, err := beneathOrTop(m, p.Path)
	if err != nil || !below {
		return err // on top, the old mount stays, hidden
	}
	return detachID(p.Path, p.Mount.ID)
}

// ForceOnTop has mounts stacked as on kernels before 6.5; for tests.
var ForceOnTop atomic.Bool

// beneathOrTop puts a mount beneath what stands at path, or on top of it where the kernel cannot.
func beneathOrTop(m *os.File, path string) (below bool, err error) {
	if !ForceOnTop.Load() {
		if err = move(m, path, moveMountBeneath); !errors.Is(err, unix.EINVAL) {
			return true, err
		}
	}
	return false, move(m, path, 0)
}

func move(m *os.File, path string, flags int) error {
	err := unix.MoveMount(int(m.Fd()), "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH|flags)
	if err != nil {
		return &os.PathError{Op: "mounting on", Path: path, Err: err}
	}
	return nil
}

// detachID takes off the mount at the top of path if it is the one of that id.
func detachID(path string, id int) error {
	if err := expectTop(path, id); err != nil {
		return err
	}
	if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
		return &os.PathError{Op: "unmounting", Path: path, Err: err}
	}
	return nil
}

func expectTop(path string, id int) error {
	f, err := openPath(path)
	if err != nil {
		return err
	}
	defer f.Close()
	top, err := idOf(int(f.Fd()))
	if err != nil {
		return err
	}
	if top != id {
		return fmt.Errorf("%s: another mount stands there now; nothing was unmounted", path)
	}
	return nil
}

// ID names an attached mount in this process's mount table.
func ID(path string) (int, error) {
	f, err := openPath(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return idOf(int(f.Fd()))
}

// Detach takes the mount of that id off its place. busy says that files in it are open: then it has left the place, and
// serves those files on.
func Detach(path string, id int) (busy bool, err error) {
	if err := expectTop(path, id); err != nil {
		return false, err
	}
	switch err := unix.Unmount(path, unix.UMOUNT_NOFOLLOW); err {
	case nil:
		return false, nil
	case unix.EBUSY:
		return true, detachID(path, id)
	default:
		return false, &os.PathError{Op: "unmounting", Path: path, Err: err}
	}
}
