package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Type is what mount tables call a mount of trustfs; GuardSource is the source of a guard.
const (
	Type        = "fuse.trustfs"
	subtype     = "trustfs"
	GuardSource = "trustfs-guard"
)

// State is what stands at a place.
type State int

// The states of a place.
const (
	Free    State = iota // a directory, perhaps the root of some other mount
	Serving              // a mount of trustfs whose daemon lives
	Stale                // a mount of trustfs whose daemon is gone
	Guarded              // a guard
)

// A Place is where something is to be mounted, as it is now.
type Place struct {
	Path  string // absolute, without links
	State State
	Mount Info // the mount that the path leads into
	AtTop bool // whether the path is the root of that mount
}

// ErrNotDirectory says that a place cannot be mounted on.
var ErrNotDirectory = errors.New("not a directory")

// statfsPatience is how long a mount may take to answer before it counts as living: a dead one answers at once.
const statfsPatience = 3 * time.Second

// Look says what stands at path. Links in path are followed.
func Look(path string) (Place, error) {
	real, err := realPath(path)
	if err != nil {
		return Place{}, err
	}
	f, err := openPath(real)
	if err != nil {
		return Place{}, err
	}
	defer f.Close()
	p := Place{Path: real}
	if p.Mount, err = mountOf(f); err != nil {
		return Place{}, err
	}
	p.AtTop = p.Mount.Point == real
	switch {
	case p.Mount.Type == Type:
		if p.State = Serving; dead(f) {
			p.State = Stale
		}
		return p, nil
	case p.AtTop && p.Mount.Source == GuardSource:
		p.State = Guarded
		return p, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Place{}, &os.PathError{Op: "stat", Path: real, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return Place{}, fmt.Errorf("%s: %w", path, ErrNotDirectory)
	}
	return p, nil
}

// realPath resolves links. The last component may be the root of a dead mount, which can be named but not looked at.
func realPath(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, unix.ENOTCONN) && !errors.Is(err, unix.EIO) {
		return real, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// mountOf is the line of the mount table that a descriptor lies in.
func mountOf(f *os.File) (Info, error) {
	id, err := idOf(int(f.Fd()))
	if err != nil {
		return Info{}, err
	}
	all, err := List()
	if err != nil {
		return Info{}, err
	}
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	return Info{}, fmt.Errorf("%s: its mount is not in this process's mount table", f.Name())
}

// dead says whether the daemon behind a mount is gone. Asking a living one that does not answer must not hang the caller.
func dead(f *os.File) bool {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return false
	}
	answer := make(chan error, 1)
	go func() {
		defer unix.Close(fd)
		var st unix.Statfs_t
		answer <- unix.Fstatfs(fd, &st)
	}()
	select {
	case err := <-answer:
		return err == unix.ENOTCONN || err == unix.ECONNABORTED
	case <-time.After(statfsPatience):
		return false
	}
}
