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

// Unmount takes off whatever of trustfs stands at a mountpoint, for good: its mount, whoever serves it, a guard, and the way
// to the real directory below DefaultRunDir that a killed daemon has left. The daemon behind it ends by itself. busy says
// that readers have files open, and keep them.
func Unmount(mountpoint string) (busy bool, err error) { return unmount(mountpoint, DefaultRunDir) }

func unmount(mountpoint, runDir string) (busy bool, err error) {
	p, busy, found, err := takeOff(mountpoint)
	if err != nil {
		return busy, err
	}
	cleared, err := clearUp(runDir, p)
	if err != nil {
		return busy, fmt.Errorf("what a daemon that is gone has left below %s: %w", runDir, err)
	}
	if !found && !cleared {
		return false, fmt.Errorf("%s: nothing of trustfs is mounted there", mountpoint)
	}
	return busy, nil
}

// takeOff unmounts until nothing of trustfs is left at the mountpoint, whose path without links is real.
func takeOff(mountpoint string) (real string, busy, found bool, err error) {
	for {
		p, err := mount.Look(mountpoint)
		if err != nil || p.State == mount.Free || !p.AtTop {
			return p.Path, busy, found, err
		}
		held, err := mount.Detach(p.Path, p.Mount.ID)
		if err != nil {
			return p.Path, busy, found, err
		}
		busy, found = busy || held, true
	}
}
