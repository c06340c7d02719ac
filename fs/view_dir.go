package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/views"
)

// listViews says which of a directory's backing entries are shown, and which views beside them. Names alone decide:
// listing never judges, so a view that is listed may turn out to be refused, or to have nothing to show.
func (t *tree) listViews(n *node, backing []dirent) (shown []dirent, beside []fuse.DirEntry) {
	if !t.views.on() || isBlobs(n.key.path) || n.key.kind != kindDir && n.key.kind != kindReports {
		return backing, nil
	}
	var names []string
	files := map[string]dirent{}
	for _, e := range backing {
		_, source := views.ViewOf(e.Name)
		if e.file() || !source {
			names = append(names, e.Name) // a folder is no source, but what has a view's name
		}
		if source && e.file() {
			files[e.Name] = e
		}
		if !source || !e.file() || t.views.mode != ViewsOnly || n.key.kind == kindReports {
			shown = append(shown, e)
		}
	}
	found, claimed := views.Beside(names)
	for _, c := range claimed {
		t.claim(join(n.key.path, c), true)
	}
	for _, v := range found {
		entry := fuse.DirEntry{Name: v.Name, Mode: unix.S_IFREG, Ino: viewEntryInode(n, files[v.Source], v.Kind)}
		if n.key.kind == kindReports {
			entry.Name += reportSuffix
		}
		if len(entry.Name) <= unix.NAME_MAX {
			beside = append(beside, entry)
		}
	}
	return shown, beside
}
