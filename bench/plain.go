package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"trustfs/fs/mount"
)

// The plain server is what trustfs is measured against: a read-only loopback of the same shape (go-fuse, the same kernel
// timeouts, cache flags and read-ahead), which checks nothing. It has nodes of its own, since go-fuse's loopback hands its
// descriptors to the kernel when it runs as root, and then no byte passes through it.

// plainNode is a file or folder by its path in the plain directory.
type plainNode struct {
	fs.Inode
	path string
}

var (
	_ = (fs.NodeLookuper)((*plainNode)(nil))
	_ = (fs.NodeGetattrer)((*plainNode)(nil))
	_ = (fs.NodeOpener)((*plainNode)(nil))
)

func (n *plainNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path := filepath.Join(n.path, name)
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return nil, fs.ToErrno(err)
	}
	out.FromStat(&st)
	return n.NewInode(ctx, &plainNode{path: path}, fs.StableAttr{Mode: st.Mode, Ino: st.Ino}), 0
}

func (n *plainNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	var st syscall.Stat_t
	if err := syscall.Lstat(n.path, &st); err != nil {
		return fs.ToErrno(err)
	}
	out.FromStat(&st)
	return 0
}

func (n *plainNode) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	fd, err := syscall.Open(n.path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	return &plainFile{fd: fd}, fuse.FOPEN_KEEP_CACHE, 0
}

// plainFile is an open file.
type plainFile struct{ fd int }

var (
	_ = (fs.FileReader)((*plainFile)(nil))
	_ = (fs.FileReleaser)((*plainFile)(nil))
)

// Read lets go-fuse move the bytes as it likes best.
func (f *plainFile) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultFd(uintptr(f.fd), off, len(dest)), 0
}

func (f *plainFile) Release(context.Context) syscall.Errno {
	return fs.ToErrno(syscall.Close(f.fd))
}

// servePlain serves dir at point until it is unmounted.
func servePlain(dir, point string) error {
	forever := time.Hour
	server, err := fs.Mount(point, &plainNode{path: dir}, &fs.Options{
		EntryTimeout: &forever, AttrTimeout: &forever,
		MountOptions: fuse.MountOptions{
			FsName: "plain", Name: "plain", Options: []string{"ro", "default_permissions"}, AllowOther: os.Geteuid() == 0,
			DirectMount: os.Geteuid() == 0, MaxReadAhead: mount.MaxRead, MaxWrite: mount.MaxRead,
			MaxBackground: 24, DisableReadDirPlus: true, ExplicitDataCacheControl: true, DisableXAttrs: true,
		},
	})
	if err != nil {
		return err
	}
	place, err := mount.Look(point)
	if err == nil {
		err = mount.ReadAhead(place.Mount.ID, mount.MaxRead)
	}
	if err != nil {
		return errors.Join(err, server.Unmount())
	}
	server.Wait()
	return nil
}
