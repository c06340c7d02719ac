package fs

import (
	"context"
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// passable are the errors that may reach a reader as they are. Anything else becomes the caller's default. ENOSYS is not
// here and never may be: the kernel remembers it for the whole mount (from OPEN: "opens need not be asked"). Nor are EPERM
// and ENXIO and what else a backing filesystem may say: a refusal is EACCES.
var passable = map[syscall.Errno]bool{
	syscall.EACCES: true, syscall.EINTR: true, syscall.EINVAL: true, syscall.EIO: true, syscall.ENAMETOOLONG: true,
	syscall.ENODATA: true, syscall.ENOENT: true, syscall.ENOMEM: true, syscall.ENOTDIR: true, syscall.ENXIO: true,
	syscall.EOPNOTSUPP: true, syscall.ERANGE: true, syscall.EROFS: true, syscall.ESTALE: true, syscall.ENOTTY: true,
}

// errInterrupted says that the opener got a signal that ends its wait.
var errInterrupted = errors.New("interrupted")

// errBusy says that a file is another one each time it is looked at.
var errBusy = errors.New("busy: the file keeps changing while it is opened")

// errNoRoom says that what was asked for needs room on the disk that is not there now. It alone is ENOSPC to a reader: what
// a gate meets when its own files have no room refuses.
var errNoRoom = errors.New("no room")

// errnoOf is the one way from an error to what the kernel is told. It is total: wrapped, joined and unknown errors, and
// errors that are not passable, become unknown, which itself must be passable or is EACCES. Only nil is OK.
func errnoOf(err error, unknown syscall.Errno) fuse.Status {
	if !passable[unknown] {
		unknown = syscall.EACCES
	}
	if err == nil {
		return fuse.OK
	}
	if errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) {
		return fuse.EINTR
	}
	if errors.Is(err, errNoRoom) {
		return fuse.Status(syscall.ENOSPC)
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok && passable[e] {
		return fuse.Status(e)
	}
	return fuse.Status(unknown)
}

const (
	stale    = fuse.Status(syscall.ESTALE)
	readOnly = fuse.EROFS
)
