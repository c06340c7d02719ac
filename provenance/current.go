package provenance

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"trustfs/integrity"
)

// A looker can look at a name without following it or opening what is there (O_PATH), folders too.
type looker interface {
	Path(path string) (*os.File, error)
}

// identity looks at a name in the tree; ok is false when the tree cannot, or on any error but absence.
func look(t Tree, name string) (id integrity.Identity, there, ok bool) {
	l, can := t.(looker)
	if !can {
		return id, false, false
	}
	f, err := l.Path(name)
	if err != nil {
		return id, false, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	id, err = integrity.IdentityOf(int(f.Fd()))
	return id, true, err == nil
}

// plainlyAbsent says that a name is not there at all, after the identity of its folder has been noted.
func (g *gatherer) plainlyAbsent(name string) bool {
	if g.folder(path.Dir(name)).lacks(path.Base(name)) {
		return true
	}
	_, there, ok := look(g.tree, name)
	return ok && !there
}

// folder notes the identity of a folder, once, and gives what is known of its names.
func (g *gatherer) folder(dir string) *listing {
	if l, noted := g.folders[dir]; noted {
		return l
	}
	if g.folders == nil {
		g.folders = map[string]*listing{}
	}
	var l *listing
	if id, err := statFolder(g.tree, dir); err == nil {
		g.seen = append(g.seen, InputID{Path: dir, Folder: true, ID: id, Racy: racy(id, time.Now())})
		if t, can := g.tree.(folderLister); can && g.lists != nil {
			l = g.lists.of(id, func() (*os.File, error) { return t.Dir(dir) })
		}
	}
	g.folders[dir] = l
	return l
}

// A folderLister can open a folder for listing, through no link. *beneath.Root is one.
type folderLister interface {
	Dir(path string) (*os.File, error)
}

// statFolder takes the identity of a folder, by one call where the tree knows how.
func statFolder(t Tree, dir string) (integrity.Identity, error) {
	if s, can := t.(interface {
		Stat(path string) (integrity.Identity, error)
	}); can {
		return s.Stat(dir)
	}
	id, there, ok := look(t, dir)
	if !ok || !there {
		return id, fs.ErrNotExist
	}
	return id, nil
}

// Current says whether every input still is what it was when the evidence was gathered: by looking at identities, without
// reading. Folders that did not change answer for all names that were not in them. A nil tree makes every input inside a
// tree outdated.
func Current(tree Tree, inputs []InputID) bool {
	still := map[string]bool{} // folders with the identity that they had
	for _, in := range inputs {
		if !in.Folder || in.Racy || tree == nil {
			continue // a folder that is too young, or not what it was, vouches for nothing: its names are looked at
		}
		id, there, ok := look(tree, in.Path)
		still[in.Path] = ok && there && id == in.ID
	}
	for _, in := range inputs {
		if in.Folder || in.Plain && still[path.Dir(in.Path)] {
			continue
		}
		if in.Racy || !in.Outside && tree == nil || !same(tree, in) {
			return false
		}
	}
	return true
}

// same looks at one input by itself.
func same(tree Tree, in InputID) bool {
	g := gatherer{tree: tree}
	s, err := g.open(in.Path, in.Outside)
	if err != nil {
		return false
	}
	s.close()
	return s.id.Absent == in.Absent && s.id.ID == in.ID
}
