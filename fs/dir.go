package fs

import (
	"io/fs"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
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

// list gives the entries of a directory node, "." and ".." first.
func (t *tree) list(n *node) ([]fuse.DirEntry, error) {
	entries := []fuse.DirEntry{
		{Name: ".", Mode: unix.S_IFDIR, Ino: n.key.id.Ino},
		{Name: "..", Mode: unix.S_IFDIR},
	}
	if n.key.kind == kindControl {
		return append(entries,
			fuse.DirEntry{Name: reportsName, Mode: unix.S_IFDIR},
			fuse.DirEntry{Name: statusName, Mode: unix.S_IFREG}), nil
	}
	backing, err := t.backingEntries(n)
	if err != nil {
		return nil, err
	}
	backing, beside := t.listViews(n, backing)
	for _, e := range backing {
		if shown, ok := showEntry(n, e); ok {
			entries = append(entries, shown)
		}
	}
	return append(entries, viewEntries(n, beside)...), nil
}

// backingEntries reads the directory that n stands for, in the filesystem's order.
func (t *tree) backingEntries(n *node) ([]os.DirEntry, error) {
	p, _, err := t.object(n)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return beneath.New(p).ReadDir("")
}

// showEntry is how a backing entry appears in n; ok is false where it does not.
func showEntry(n *node, e os.DirEntry) (fuse.DirEntry, bool) {
	name, kind := e.Name(), e.Type()
	if n.key.path == "" && name == controlName {
		return fuse.DirEntry{}, false // hidden, and a backing entry of that name is masked
	}
	out := fuse.DirEntry{Name: name, Mode: unix.S_IFREG}
	switch {
	case kind.IsDir():
		out.Mode = unix.S_IFDIR
	case kind&fs.ModeSymlink != 0:
		out.Mode = unix.S_IFLNK
	}
	if n.key.kind != kindReports {
		return out, true
	}
	switch {
	case kind.IsRegular(), kind&fs.ModeSymlink != 0:
		out.Name += reportSuffix
	case !kind.IsDir():
		return fuse.DirEntry{}, false // nothing is ever said of special files
	}
	return out, len(out.Name) <= unix.NAME_MAX
}
