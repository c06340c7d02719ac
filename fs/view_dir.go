package fs

import (
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/views"
)

// listViews says which of a directory's backing entries are shown, and which views beside them. Names alone decide:
// listing never judges, so a view that is listed may turn out to be refused, or to have nothing to show.
func (t *tree) listViews(n *node, backing []os.DirEntry) (shown []os.DirEntry, more []string) {
	if !t.views.on() || isBlobs(n.key.path) || n.key.kind != kindDir && n.key.kind != kindReports {
		return backing, nil
	}
	var names []string
	for _, e := range backing {
		_, source := views.ViewOf(e.Name())
		file := e.Type().IsRegular() || e.Type()&os.ModeSymlink != 0
		if file || !source {
			names = append(names, e.Name()) // a folder is no source, but what has a view's name
		}
		if !source || !file || t.views.mode != ViewsOnly || n.key.kind == kindReports {
			shown = append(shown, e)
		}
	}
	beside, claimed := views.Beside(names)
	for _, c := range claimed {
		t.claim(join(n.key.path, c), true)
	}
	for _, v := range beside {
		more = append(more, v.Name)
	}
	return shown, more
}

// viewEntries are the views as directory entries of n.
func viewEntries(n *node, names []string) (entries []fuse.DirEntry) {
	for _, name := range names {
		if n.key.kind == kindReports {
			name += reportSuffix
		}
		if len(name) <= unix.NAME_MAX {
			entries = append(entries, fuse.DirEntry{Name: name, Mode: unix.S_IFREG})
		}
	}
	return entries
}
