package fs

import (
	"os"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	// nameValid is how long the kernel may use a name without asking: a file put in another's place is seen by stat after
	// at most this time, and by open at once, since each open compares identities.
	nameValid = time.Second
	// dirValid is the same for a directory's attributes.
	dirValid = time.Second
	// versionValid is for attributes of versions, which never change. An expired attribute would cost a request for each
	// cached read.
	versionValid = 24 * time.Hour
)

const statxWant = unix.STATX_BASIC_STATS | unix.STATX_BTIME

// statx describes an open object; an O_PATH descriptor will do.
func statx(f *os.File) (*unix.Statx_t, error) {
	st := new(unix.Statx_t)
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, statxWant, st); err != nil {
		return nil, &os.PathError{Op: "statx", Path: f.Name(), Err: err}
	}
	return st, nil
}

// kindOf is what an object of the tree is to the reader.
func kindOf(mode uint16) kind {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return kindDir
	case unix.S_IFREG:
		return kindFile
	case unix.S_IFLNK:
		return kindLink
	}
	return kindSpecial
}

// attrOf is what stat shows of an object as a node of kind k. Special files and reports are shown as regular files: the
// kernel carries the bytes of a FIFO between users, and opens devices, without asking the daemon.
func attrOf(st *unix.Statx_t, k kind) fuse.Attr {
	a := fuse.Attr{
		Ino: st.Ino, Size: st.Size, Blocks: st.Blocks, Blksize: st.Blksize,
		Mode: uint32(st.Mode), Nlink: st.Nlink, Owner: fuse.Owner{Uid: st.Uid, Gid: st.Gid},
	}
	a.Atime, a.Atimensec = uint64(st.Atime.Sec), st.Atime.Nsec
	a.Mtime, a.Mtimensec = uint64(st.Mtime.Sec), st.Mtime.Nsec
	a.Ctime, a.Ctimensec = uint64(st.Ctime.Sec), st.Ctime.Nsec
	switch k {
	case kindSpecial, kindReport:
		a.Mode = unix.S_IFREG | a.Mode&0o777
		a.Size, a.Blocks = 0, 0
	case kindReportLink:
		a.Size = 0
	case kindReports:
		a.Nlink = 1
	}
	return a
}

// bornOf is the birth time as statx answers carry it; zero where the filesystem keeps none.
func bornOf(st *unix.Statx_t) (t fuse.SxTime) {
	if st.Mask&unix.STATX_BTIME != 0 {
		t.FromStatxTimestamp(&st.Btime)
	}
	return t
}

// valid is how long the kernel may use a node's attributes.
func (k kind) valid() time.Duration {
	if k.isDir() {
		return dirValid
	}
	return versionValid
}

// entry answers a lookup with node n.
func entry(out *fuse.EntryOut, n *node, attr fuse.Attr) {
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(nameValid)
	out.SetAttrTimeout(n.key.kind.valid())
	out.Attr = attr
}

// statxAnswer is attr in the form that a request for the birth time wants.
func statxAnswer(out *fuse.StatxOut, attr fuse.Attr, born fuse.SxTime) {
	out.Mask = unix.STATX_BASIC_STATS
	out.Blksize, out.Nlink, out.Mode = attr.Blksize, attr.Nlink, uint16(attr.Mode)
	out.Uid, out.Gid = attr.Uid, attr.Gid
	out.Ino, out.Size, out.Blocks = attr.Ino, attr.Size, attr.Blocks
	out.Atime = fuse.SxTime{Sec: attr.Atime, Nsec: attr.Atimensec}
	out.Mtime = fuse.SxTime{Sec: attr.Mtime, Nsec: attr.Mtimensec}
	out.Ctime = fuse.SxTime{Sec: attr.Ctime, Nsec: attr.Ctimensec}
	if born != (fuse.SxTime{}) {
		out.Mask |= unix.STATX_BTIME
		out.Btime = born
	}
}
