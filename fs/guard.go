package fs

import (
	"fmt"

	"trustfs/fs/mount"
)

// Guard puts an empty directory that nobody may read over a mountpoint whose service has stopped; below a mount of
// trustfs, if one is there, so that unmounting shows the guard. Mount replaces it without a gap.
func Guard(mountpoint string) error { return mount.Guard(mountpoint) }

// Unguard takes a guard off; it is no error if there is none.
func Unguard(mountpoint string) error { return mount.Unguard(mountpoint) }

// Unmount takes off whatever of trustfs stands at a mountpoint, for good: its mount, whoever serves it, and a guard. The
// daemon behind it ends by itself. busy says that readers have files open, and keep them.
func Unmount(mountpoint string) (busy bool, err error) {
	found := false
	for {
		p, err := mount.Look(mountpoint)
		if err != nil {
			return busy, err
		}
		if p.State == mount.Free || !p.AtTop {
			if !found {
				return false, fmt.Errorf("%s: nothing of trustfs is mounted there", mountpoint)
			}
			return busy, nil
		}
		held, err := mount.Detach(p.Path, p.Mount.ID)
		if err != nil {
			return busy, err
		}
		busy, found = busy || held, true
	}
}
