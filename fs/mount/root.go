package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Root opens the directory to serve, O_PATH, and has it appear at backing as well (unless that is empty): the operator's way
// to the real directory while a mount stands over it.
//
// Where a dead mount of trustfs or a guard stands over the directory, that is not taken off: the directory is reached
// where the daemon before has shown it, or through a private copy of the mount in which it lies.
func Root(p Place, backing string) (*os.File, error) {
	if p.State == Free {
		return rootAndBind(unix.AT_FDCWD, p.Path, backing)
	}
	if backing != "" {
		if b, err := Look(backing); err == nil && b.AtTop && b.State == Free {
			return openDir(unix.AT_FDCWD, backing)
		}
	}
	f, err := under(p, backing)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot reach the directory under the mount of a daemon that is gone: %w; "+
			"unmount it by hand (umount -l) while nobody reads", p.Path, err)
	}
	return f, nil
}

// under opens the directory that the mount at p covers, in a clone of the mount around it: a clone has nothing mounted on
// it. That is only the right directory if no third mount lies between.
func under(p Place, backing string) (*os.File, error) {
	if !p.AtTop {
		return nil, errors.New("it is inside that mount")
	}
	dir, err := openPath(filepath.Dir(p.Path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	around, err := idOf(int(dir.Fd()))
	if err != nil {
		return nil, err
	}
	if around != p.Mount.Parent {
		return nil, errors.New("a filesystem of its own is mounted there")
	}
	clone, err := cloneOf(dir, false)
	if err != nil {
		return nil, err
	}
	defer clone.Close()
	if backing == "" {
		return openDir(int(clone.Fd()), filepath.Base(p.Path))
	}
	// Only a mount that has a place can be cloned in turn (before Linux 6.15), so this one gets backing's for a moment.
	if err := place(clone, backing); err != nil {
		return nil, err
	}
	return rootAndBind(int(clone.Fd()), filepath.Base(p.Path), backing)
}

// rootAndBind opens a directory and binds it to backing.
func rootAndBind(at int, path, backing string) (*os.File, error) {
	root, err := openDir(at, path)
	if err != nil || backing == "" {
		return root, err
	}
	if err := bind(root, backing); err != nil {
		root.Close()
		return nil, fmt.Errorf("showing the real directory at %s: %w", backing, err)
	}
	return root, nil
}

func openDir(at int, path string) (*os.File, error) {
	fd, err := unix.Openat(at, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOTDIR {
		return nil, fmt.Errorf("%s: %w", path, ErrNotDirectory)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// cloneOf makes a detached bind mount of a directory. It is private: what is later mounted over the directory must not be
// carried over to the clone.
func cloneOf(dir *os.File, whole bool) (*os.File, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	private := uint(unix.AT_EMPTY_PATH)
	if whole {
		flags |= unix.AT_RECURSIVE
		private |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(int(dir.Fd()), "", flags)
	if err != nil {
		return nil, fmt.Errorf("open_tree: %w", err)
	}
	clone := os.NewFile(uintptr(fd), dir.Name())
	if err := unix.MountSetattr(fd, "", private, &unix.MountAttr{Propagation: unix.MS_PRIVATE}); err != nil {
		clone.Close()
		return nil, fmt.Errorf("mount_setattr: %w", err)
	}
	return clone, nil
}

// bind mounts the directory dir, with what is mounted in it, at path as well.
func bind(dir *os.File, path string) error {
	clone, err := cloneOf(dir, true)
	if err != nil {
		return err
	}
	defer clone.Close()
	return place(clone, path)
}

// place puts a clone at path instead of what was bound there before.
func place(clone *os.File, path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if err := Unbind(path); err != nil {
		return err
	}
	return move(clone, path, 0)
}

// Unbind takes off what Root has bound; it is no error if nothing is.
func Unbind(path string) error {
	for {
		p, err := Look(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || !p.AtTop {
			return err
		}
		if err := detachID(p.Path, p.Mount.ID); err != nil {
			return err
		}
	}
}
