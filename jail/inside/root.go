package inside

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// emptyRoot makes the root of this mount namespace an empty read-only tmpfs without permissions. Everything that was
// mounted before is detached from the namespace, /proc and a trustfs mount included. See pivot_root(2), "NOTES".
func emptyRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("empty root: making mounts private: %w", err)
	}
	// /proc is a directory that surely exists and never lies below a trustfs mount.
	const place = "/proc"
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY)
	if err := unix.Mount("none", place, "tmpfs", flags, "size=4k,nr_inodes=2,mode=000"); err != nil {
		return fmt.Errorf("empty root: tmpfs: %w", err)
	}
	if err := unix.Chdir(place); err != nil {
		return fmt.Errorf("empty root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("empty root: pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("empty root: detaching the host's files: %w", err)
	}
	return unix.Chdir("/")
}
