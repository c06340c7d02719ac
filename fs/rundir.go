package fs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
)

// TreeID names the tree at dir without mounting it.
func TreeID(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	p, err := mount.Look(abs)
	if err != nil {
		return "", err
	}
	return idOfPath(p.Path), nil
}

// idOfPath hashes the path rather than the inode: device numbers change from boot to boot, and an operator who replaces the
// directory means the same tree.
func idOfPath(real string) string {
	sum := sha256.Sum256([]byte(real))
	return hex.EncodeToString(sum[:8])
}

// A runDir is Options.RunDir/<tree-id>: held by one daemon at a time. nil is none.
type runDir struct {
	dir      string
	lock     *os.File
	released sync.Once
}

// The files of a run directory: what is locked, where the tree is mounted, and the way to the real directory.
const (
	lockName    = "pid"
	pointName   = "mountpoint"
	backingName = "backing"
)

// claim makes the run directory of a tree that is to be mounted at point, and locks it. The lock goes with the process,
// however that ends.
func claim(base, id, point string) (*runDir, error) {
	if base == "" {
		return nil, nil
	}
	dir := filepath.Join(base, id)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil { // the way to the real directory is root's alone
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(lock.Name())
		lock.Close()
		return nil, fmt.Errorf("the tree is %w (process %s)", ErrBusy, strings.TrimSpace(string(pid)))
	}
	r := &runDir{dir: dir, lock: lock}
	if err := r.write(point); err != nil {
		lock.Close()
		return nil, err
	}
	return r, nil
}

func (r *runDir) write(point string) error {
	if err := os.WriteFile(filepath.Join(r.dir, pointName), []byte(point), 0o600); err != nil {
		return err
	}
	if err := r.lock.Truncate(0); err != nil {
		return err
	}
	_, err := r.lock.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

func (r *runDir) path() string {
	if r == nil {
		return ""
	}
	return r.dir
}

// backing is where root finds the real directory. Users cannot bind one directory to another place.
func (r *runDir) backing() string {
	if r == nil || os.Geteuid() != 0 {
		return ""
	}
	return filepath.Join(r.dir, backingName)
}

// release takes off the way to the real directory, and lets the next daemon in. The files stay: removing a lock file that
// somebody waits for would give two owners. It works once: what is there later is the next daemon's.
func (r *runDir) release() {
	if r == nil {
		return
	}
	r.released.Do(func() {
		if b := r.backing(); b != "" {
			_ = mount.Unbind(b)
		}
		r.lock.Close()
	})
}

// clearUp takes off the ways to real directories that daemons have left behind which served at point and were killed. A
// daemon that lives does it itself. cleared says that there was one.
func clearUp(base, point string) (cleared bool, err error) {
	dirs, err := os.ReadDir(base)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for _, d := range dirs {
		dir := filepath.Join(base, d.Name())
		if at, err := os.ReadFile(filepath.Join(dir, pointName)); err != nil || string(at) != point {
			continue
		}
		one, failed := clearOne(dir)
		cleared, err = cleared || one, errors.Join(err, failed)
	}
	return cleared, err
}

// clearOne clears up one run directory, unless somebody holds its lock.
func clearOne(dir string) (cleared bool, err error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil
	}
	backing := filepath.Join(dir, backingName)
	p, err := mount.Look(backing)
	if errors.Is(err, os.ErrNotExist) || err == nil && !p.AtTop {
		return false, nil
	}
	if err := mount.Unbind(backing); err != nil {
		return false, err
	}
	return true, nil
}
