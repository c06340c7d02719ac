package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Lseek finds data everywhere and a hole at the end, which POSIX allows of any file: nothing about holes is taken from the
// backing file, whose answer may belong to another version.
func (t *tree) Lseek(_ <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	n := t.nodes.get(in.NodeId)
	if n == nil {
		return stale
	}
	size := n.attr.Size
	if in.Offset >= size {
		return fuse.Status(unix.ENXIO)
	}
	switch in.Whence {
	case unix.SEEK_DATA:
		out.Offset = in.Offset
	case unix.SEEK_HOLE:
		out.Offset = size
	default:
		return fuse.EINVAL
	}
	return fuse.OK
}

// Flush, Fsync and FsyncDir have nothing to write.
func (t *tree) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (t *tree) Fsync(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }

func (t *tree) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }

// Locks are the kernel's own (EnableLocks is off); these are not asked.
func (t *tree) GetLk(<-chan struct{}, *fuse.LkIn, *fuse.LkOut) fuse.Status {
	return fuse.Status(unix.EOPNOTSUPP)
}

func (t *tree) SetLk(<-chan struct{}, *fuse.LkIn) fuse.Status { return fuse.Status(unix.EOPNOTSUPP) }

func (t *tree) SetLkw(<-chan struct{}, *fuse.LkIn) fuse.Status { return fuse.Status(unix.EOPNOTSUPP) }

// Ioctl passes nothing on: what a filesystem's ioctl does is not the reader's to ask for through the mount.
func (t *tree) Ioctl(<-chan struct{}, *fuse.IoctlIn, []byte, *fuse.IoctlOut, []byte) fuse.Status {
	return fuse.Status(unix.ENOTTY)
}
