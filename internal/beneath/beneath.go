// Package beneath resolves names below one directory descriptor and nowhere else.
//
// Every open goes through openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS and RESOLVE_NO_XDEV: no "..", no
// absolute name, no link and no mount leads out of the root, also while somebody renames folders. Objects are opened
// O_PATH first, looked at, and only regular files are reopened for reading, so that no FIFO blocks and no device answers.
//
// Mounts below the root are not crossed: an ordinary user can put a FUSE filesystem of his own on a folder that he owns,
// and would then decide when our calls return.
package beneath

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Root is a directory that names are resolved below. It is safe for parallel use.
type Root struct {
	dir  *os.File
	seen stamps
}

// ErrNotRegular says that a name is there but is no regular file.
var ErrNotRegular = errors.New("not a regular file")

// Open takes the descriptor of a directory, following links in its own name: the root is the operator's choice.
func Open(dir string) (*Root, error) {
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &Root{dir: f}, nil
}

// New makes a Root of an open directory descriptor, which it takes over.
func New(dir *os.File) *Root { return &Root{dir: dir} }

// File is the root's own descriptor. The Root keeps it.
func (r *Root) File() *os.File { return r.dir }

// Close gives the descriptor back.
func (r *Root) Close() error { return r.dir.Close() }

const resolveHow = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV

// openat2 opens path (slash-separated, "" or "." for the root) with the given flags. follow allows links that stay in the
// tree; without it a link in any component is ELOOP, except a last one under O_PATH|O_NOFOLLOW, which is opened itself.
func (r *Root) openat2(path string, flags uint64, follow bool) (fd int, err error) {
	if path == "" {
		path = "."
	}
	if strings.IndexByte(path, 0) >= 0 {
		return -1, pathError("openat2", path, unix.EINVAL)
	}
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: resolveHow}
	if !follow {
		how.Resolve |= unix.RESOLVE_NO_SYMLINKS
		how.Flags |= unix.O_NOFOLLOW
	}
	for {
		fd, err := unix.Openat2(int(r.dir.Fd()), path, &how)
		switch {
		case err == nil:
			return fd, nil
		case err == unix.EINTR, err == unix.EAGAIN: // EAGAIN: a rename raced with "..", see openat2(2)
			continue
		}
		return -1, pathError("openat2", path, err)
	}
}

func pathError(op, path string, err error) error { return &fs.PathError{Op: op, Path: path, Err: err} }

func (r *Root) open(path string, flags uint64, follow bool) (*os.File, error) {
	fd, err := r.openat2(path, flags, follow)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Path opens the object at path O_PATH, a link itself rather than its target.
func (r *Root) Path(path string) (*os.File, error) {
	return r.open(path, unix.O_PATH|unix.O_NOFOLLOW, false)
}

// Lstat gives the attributes of the object at path, of a link itself rather than its target.
func (r *Root) Lstat(path string) (st unix.Stat_t, err error) {
	fd, err := r.openat2(path, unix.O_PATH|unix.O_NOFOLLOW, false)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		return st, pathError("fstat", path, err)
	}
	return st, nil
}

// Regular opens the regular file at path for reading, following no link. Anything else is ErrNotRegular, and is not
// opened.
func (r *Root) Regular(path string) (*os.File, error) {
	return r.regular(path, unix.O_PATH|unix.O_NOFOLLOW, false)
}

// Open implements the tree that provenance reads lists and signatures from: Regular under its interface's name.
func (r *Root) Open(path string) (*os.File, error) { return r.Regular(path) }

// Follow opens the regular file that path leads to, through links that stay in the tree.
func (r *Root) Follow(path string) (*os.File, error) { return r.regular(path, unix.O_PATH, true) }

func (r *Root) regular(path string, flags uint64, follow bool) (*os.File, error) {
	fd, err := r.openat2(path, flags, follow)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return reopen(fd, path)
}

// Reopen gives a readable descriptor of the very object that an O_PATH descriptor of a regular file holds.
func Reopen(p *os.File) (*os.File, error) {
	defer runtime.KeepAlive(p)
	return reopen(int(p.Fd()), p.Name())
}

func reopen(path int, name string) (*os.File, error) {
	var st unix.Stat_t
	if err := unix.Fstat(path, &st); err != nil {
		return nil, pathError("fstat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, pathError("open", name, ErrNotRegular)
	}
	// The descriptor's own entry in /proc is the documented way to reopen it (open(2), O_PATH); no name is resolved again.
	fd, err := retry(func() (int, error) {
		return unix.Open("/proc/self/fd/"+strconv.Itoa(path), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	})
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Readlink gives the target of the link at path, as it is written.
func (r *Root) Readlink(path string) (string, error) {
	p, err := r.Path(path)
	if err != nil {
		return "", err
	}
	defer p.Close()
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(p.Fd()), "", buf)
	if err != nil {
		return "", pathError("readlink", path, err)
	}
	return string(buf[:n]), nil
}

// Dir opens the directory at path for listing.
func (r *Root) Dir(path string) (*os.File, error) {
	return r.open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, false)
}

// ReadDir lists the directory at path, in the filesystem's order.
func (r *Root) ReadDir(path string) ([]os.DirEntry, error) {
	d, err := r.Dir(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
