package inside

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// bind makes one mount. A symlink among the optional system paths (/bin of a merged /usr) is made again as a symlink.
func bind(m wire.Mount) error {
	target := filepath.Join(newRoot, m.Target)
	st, err := os.Lstat(m.Source)
	if err != nil {
		if m.Optional && os.IsNotExist(err) {
			return nil
		}
		return fmt.Errorf("root: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if m.Optional && st.Mode()&os.ModeSymlink != 0 {
		to, err := os.Readlink(m.Source)
		if err != nil {
			return err
		}
		return os.Symlink(to, target)
	}
	if err := place(target, st.IsDir()); err != nil {
		return err
	}
	if err := unix.Mount(m.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("root: %s: %w", m.Source, err)
	}
	if err := sameFile(target, m); err != nil {
		return err
	}
	return harden(target, m)
}

func place(target string, dir bool) error {
	if dir {
		return os.MkdirAll(target, 0o755)
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// sameFile compares what is mounted with what the parent had checked: a path can lead elsewhere by now.
func sameFile(target string, m wire.Mount) error {
	if m.Ino == 0 {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Lstat(target, &st); err != nil {
		return fmt.Errorf("root: %s: %w", m.Source, err)
	}
	if st.Dev != m.Dev || st.Ino != m.Ino {
		return fmt.Errorf("root: %s was replaced while it was put into the jail", m.Source)
	}
	return nil
}

// harden adds restrictions to a mount and all below it; it never takes off those that the host's mount has.
func harden(target string, m wire.Mount) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID}
	if !m.Write {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if !m.Exec {
		attr.Attr_set |= unix.MOUNT_ATTR_NOEXEC
	}
	if !m.Device {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("root: restricting %s: %w (Linux 5.12 or later is needed)", strings.TrimPrefix(target, newRoot), err)
	}
	return nil
}
