package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

// A file is a spool file: it has no name, and its reader leaves no copy of it in the page cache beside the view's own.
type file struct{ *os.File }

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	_ = unix.Fadvise(int(f.Fd()), off, int64(n), unix.FADV_DONTNEED)
	return n, err
}

// prefix is how the name begins that a file has for a moment where the filesystem makes none without.
const prefix = "spool-"

// keepFree is what a spool file leaves free on the disk, in bytes: pins and logs may lie there too.
const keepFree = 256 << 20

// create makes a file without a name in dir, with room for size bytes.
func create(dir string, size int64) (*file, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d, err := private(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(d.Fd()), &fs); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if free := int64(min(fs.Bavail, 1<<40)) * fs.Bsize; size > free-keepFree {
		return nil, fmt.Errorf("%s: %d bytes are free, %d are needed and %d must stay free; make room there, or keep the state elsewhere: %w", dir, free, size, keepFree, unix.ENOSPC)
	}
	fd, err := nameless(int(d.Fd()))
	if err != nil {
		return nil, fmt.Errorf("a file in %s: %w", dir, err)
	}
	f := &file{os.NewFile(uintptr(fd), filepath.Join(dir, "(inflated)"))}
	if err := reserve(fd, size); err != nil {
		f.Close()
		return nil, fmt.Errorf("%d bytes in %s: %w", size, dir, err)
	}
	return f, nil
}

// private opens dir, which must be nobody's but ours, and no link. It is never made here.
func private(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: expected a folder of uid %d with mode 0700: %w", dir, os.Geteuid(), err)
	}
	d := os.NewFile(uintptr(fd), dir)
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0) {
		err = fmt.Errorf("owned by uid %d with mode %04o; expected uid %d and 0700", st.Uid, st.Mode&0o7777, os.Geteuid())
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return d, nil
}

const tmpFlags = unix.O_RDWR | unix.O_CLOEXEC | unix.O_EXCL

// nameless makes a file in directory d. Where the filesystem has no O_TMPFILE (NFS, older overlays), it has a name for a
// moment.
func nameless(d int) (int, error) {
	fd, err := unix.Openat(d, ".", tmpFlags|unix.O_TMPFILE, 0o600) // allowed: no name is followed
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	return unlinked(d)
}

// unlinked makes a file and takes its name away.
func unlinked(d int) (int, error) {
	name := prefix + rand.Text()
	fd, err := unix.Openat(d, name, tmpFlags|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return -1, err
	}
	if err := takeName(d, name); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// takeName takes a name away; another daemon that begins may have done so.
func takeName(d int, name string) error {
	if err := unix.Unlinkat(d, name, 0); !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// reserve asks for all room at once: a disk that is too full says so before anything is inflated.
func reserve(fd int, size int64) error {
	for {
		err := unix.Fallocate(fd, 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM): // by the filesystem, or a service's filter
			return nil // then a write will say it
		}
		return err
	}
}

// ours is what a name has that unlinked gives: the prefix and rand.Text.
var ours = regexp.MustCompile("^" + prefix + "[A-Z2-7]{26,}$")

// clearLeftovers removes from folder d, which is private, the names of files whose maker died before it could.
func clearLeftovers(d *os.File) error {
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !ours.MatchString(name) {
			continue
		}
		var st unix.Stat_t
		err := unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid()) {
			continue
		}
		if err == nil {
			err = takeName(int(d.Fd()), name)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("what an earlier run has left: %s: %w", filepath.Join(d.Name(), name), err)
		}
	}
	return nil
}
