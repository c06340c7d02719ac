package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"
)

// What would change something. The mount is read-only, so that the kernel answers most of these by itself; they are here
// for what reaches the daemon all the same (a remount, an older kernel).

func (t *tree) SetAttr(<-chan struct{}, *fuse.SetAttrIn, *fuse.AttrOut) fuse.Status { return readOnly }

func (t *tree) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

func (t *tree) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

func (t *tree) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

func (t *tree) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

func (t *tree) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status { return readOnly }

func (t *tree) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

func (t *tree) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

func (t *tree) SetXAttr(<-chan struct{}, *fuse.SetXAttrIn, string, []byte) fuse.Status {
	return readOnly
}

func (t *tree) RemoveXAttr(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

func (t *tree) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return readOnly
}

func (t *tree) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status {
	return readOnly
}

func (t *tree) Write(<-chan struct{}, *fuse.WriteIn, []byte) (uint32, fuse.Status) {
	return 0, readOnly
}

func (t *tree) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, readOnly
}

func (t *tree) CopyFileRange(<-chan struct{}, *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	return 0, readOnly
}

func (t *tree) Fallocate(<-chan struct{}, *fuse.FallocateIn) fuse.Status { return readOnly }
