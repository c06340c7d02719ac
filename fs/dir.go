package fs

import (
	"io/fs"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// OpenDir opens a directory. Nothing is cached beyond this open, and nothing is judged.
func (t *tree) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := t.nodes.get(in.NodeId)
	if n == nil || !n.key.kind.isDir() {
		return stale
	}
	entries, err := t.list(n)
	if err != nil {
		return t.refuse("opendir", n.key.path, err)
	}
	out.Fh = t.handles.add(&handle{node: n, entries: entries})
	return fuse.OK
}

// ReadDir lists names without looking them up (go-fuse's READDIRPLUS would, and is off). Offset i means that i entries have
// been given; going back to 0 reads the directory again, as rewinddir must.
func (t *tree) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	h := t.handles.get(in.Fh)
	if h == nil || h.version != nil || h.data != nil {
		return stale
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if in.Offset == 0 && h.given {
		entries, err := t.list(h.node)
		if err != nil {
			return t.refuse("readdir", h.node.key.path, err)
		}
		h.entries = entries
	}
	h.given = true
	for i := in.Offset; i < uint64(len(h.entries)); i++ {
		e := h.entries[i]
		e.Off = i + 1
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

// ReadDirPlus would look up every entry; it is switched off at mount.
func (t *tree) ReadDirPlus(<-chan struct{}, *fuse.ReadIn, *fuse.DirEntryList) fuse.Status {
	return fuse.Status(unix.EOPNOTSUPP)
}

// ReleaseDir ends an OpenDir.
func (t *tree) ReleaseDir(in *fuse.ReleaseIn) { t.handles.remove(in.Fh) }

// list gives the entries of a directory node, "." and ".." first, with the inode numbers that stat gives.
func (t *tree) list(n *node) ([]fuse.DirEntry, error) {
	self := n.key.id.Ino
	if n.key.kind == kindControl {
		root := t.nodes.get(fuse.FUSE_ROOT_ID).key.id.Ino
		return append(dots(self, root),
			fuse.DirEntry{Name: reportsName, Mode: unix.S_IFDIR, Ino: root},
			fuse.DirEntry{Name: statusName, Mode: unix.S_IFREG, Ino: statusIno}), nil
	}
	backing, parent, err := t.backingEntries(n)
	if err != nil {
		return nil, err
	}
	switch {
	case n.key.kind == kindReports && n.key.path == "":
		parent = controlIno
	case n.key.path == "":
		parent = self // what lies around the tree is no concern of the mount
	}
	entries := dots(self, parent)
	backing, beside := t.listViews(n, backing)
	for _, e := range backing {
		if shown, ok := showEntry(n, e); ok {
			entries = append(entries, shown)
		}
	}
	return append(entries, beside...), nil
}

func dots(self, parent uint64) []fuse.DirEntry {
	return []fuse.DirEntry{{Name: ".", Mode: unix.S_IFDIR, Ino: self}, {Name: "..", Mode: unix.S_IFDIR, Ino: parent}}
}

// showEntry is how a backing entry appears in n; ok is false where it does not.
func showEntry(n *node, e dirent) (fuse.DirEntry, bool) {
	if n.key.path == "" && e.Name == controlName {
		return fuse.DirEntry{}, false // hidden, and a backing entry of that name is masked
	}
	out := fuse.DirEntry{Name: e.Name, Mode: unix.S_IFREG, Ino: e.Ino}
	switch e.Type {
	case fs.ModeDir:
		out.Mode = unix.S_IFDIR
	case fs.ModeSymlink:
		out.Mode = unix.S_IFLNK
	}
	if n.key.kind != kindReports {
		return out, true
	}
	switch {
	case e.file():
		out.Name += reportSuffix
	case !e.Type.IsDir():
		return fuse.DirEntry{}, false // nothing is ever said of special files
	}
	return out, len(out.Name) <= unix.NAME_MAX
}
