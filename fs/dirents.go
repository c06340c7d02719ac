package fs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
	"trustfs/views"
)

// A dirent is one entry of a backing directory, as getdents64(2) gives it: os.ReadDir leaves the inode number out, by which
// find -inum, rsync and du tell files apart without a stat.
type dirent struct {
	Name string
	Ino  uint64
	Type fs.FileMode // the type bits alone
}

// file says whether the entry may be a view's source: a file, or a link that may lead to one.
func (e dirent) file() bool { return e.Type.IsRegular() || e.Type == fs.ModeSymlink }

// direntHead is the length of linux_dirent64 before the name: inode, offset, record length, type.
const direntHead = 8 + 8 + 2 + 1

var errDirent = errors.New("getdents64: an entry that does not fit")

// backingEntries reads the directory that n stands for, in the filesystem's order and without "." and "..". parent is the
// inode number of "..", as the backing filesystem has it.
func (t *tree) backingEntries(n *node) (entries []dirent, parent uint64, err error) {
	p, _, err := t.object(n)
	if err != nil {
		return nil, 0, err
	}
	defer p.Close()
	d, err := beneath.New(p).Dir("")
	if err != nil {
		return nil, 0, err
	}
	defer d.Close()
	buf := make([]byte, 64<<10)
	for {
		size, err := unix.Getdents(int(d.Fd()), buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, 0, &os.PathError{Op: "getdents64", Path: n.key.path, Err: err}
		}
		if size == 0 {
			return entries, parent, nil
		}
		some, up, err := parseDirents(int(d.Fd()), buf[:size])
		if err != nil {
			return nil, 0, &os.PathError{Op: "getdents64", Path: n.key.path, Err: err}
		}
		entries, parent = append(entries, some...), max(parent, up)
	}
}

// parseDirents reads one buffer of entries of the directory dir.
func parseDirents(dir int, buf []byte) (entries []dirent, parent uint64, err error) {
	for len(buf) > 0 {
		if len(buf) < direntHead {
			return nil, 0, errDirent
		}
		length := int(binary.NativeEndian.Uint16(buf[16:]))
		if length < direntHead || length > len(buf) {
			return nil, 0, errDirent
		}
		name, _, _ := bytes.Cut(buf[direntHead:length], []byte{0})
		e := dirent{Name: string(name), Ino: binary.NativeEndian.Uint64(buf)}
		kind := buf[18]
		buf = buf[length:]
		switch {
		case e.Name == "..":
			parent = e.Ino
			continue
		case e.Name == "." || e.Name == "" || e.Ino == 0: // 0: deleted, see readdir(3) of old filesystems
			continue
		}
		if !e.typed(dir, kind) {
			continue
		}
		entries = append(entries, e)
	}
	return entries, parent, nil
}

// typed fills in the type, from a look at the entry where the filesystem does not tell; false if it is gone by then.
func (e *dirent) typed(dir int, kind byte) bool {
	mode := uint32(kind) << 12 // DT_* are the type bits of st_mode, see IFTODT of dirent.h
	if kind == unix.DT_UNKNOWN {
		var st unix.Stat_t
		if unix.Fstatat(dir, e.Name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			return false
		}
		mode = st.Mode
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		e.Type = fs.ModeDir
	case unix.S_IFLNK:
		e.Type = fs.ModeSymlink
	default:
		e.Type = fs.ModeIrregular // refused in any case
	}
	return true
}

// viewEntryInode is the number of a view, or of its report, in the listing of n; 0, which means unknown, where its source is
// behind a link.
func viewEntryInode(n *node, source dirent, kind views.Kind) uint64 {
	switch {
	case !source.Type.IsRegular():
		return 0
	case n.key.kind == kindReports:
		return source.Ino
	}
	id := n.key.id // of the directory: its files lie on the same device
	id.Ino = source.Ino
	return viewInode(id, kind)
}
