// Package walk lists what is to be judged below a directory, in a fixed order, without leaving it. It opens directories
// and looks at names; it reads no file.
package walk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
)

// A Kind says what an entry is. The zero value is not one that may be opened.
type Kind int

// The kinds.
const (
	Special Kind = iota // FIFO, socket, device, or what could not be looked at: refused unopened
	Regular
	Escape // a symbolic link that leads out of the tree, or nowhere in it
)

// An Entry is one name that is to be judged, or that speaks against itself.
type Entry struct {
	Path string // below the root, slash-separated
	Kind Kind
	Size int64  // bytes, of a regular file
	Why  string // what is wrong with one that is not regular
}

// MaxDepth bounds folders in folders; Linux cannot name deeper ones in one path.
const MaxDepth = 2048

// Tree lists the regular files below root, each under its own name: links to them are not listed again. Links that lead
// out of the tree and special files are listed with what is wrong. start is "" for the whole tree, or one name below it.
func Tree(ctx context.Context, root *beneath.Root, start string) ([]Entry, error) {
	var entries []Entry
	err := Each(ctx, root, start, func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Each is Tree that hands on each entry as it is met, and ends with the first error that it is given back.
func Each(ctx context.Context, root *beneath.Root, start string, met func(Entry) error) error {
	return (&walker{ctx: ctx, root: root, met: met}).folder(start, 0)
}

// One is the entry of a single name.
func One(root *beneath.Root, name string) Entry { return (&walker{root: root}).regular(name) }

type walker struct {
	ctx  context.Context
	root *beneath.Root
	met  func(Entry) error
}

func (w *walker) folder(dir string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth > MaxDepth {
		return fmt.Errorf("%s: folders nested deeper than %d", dir, MaxDepth)
	}
	names, err := w.root.ReadDir(dir)
	if err != nil {
		return err
	}
	sort.Slice(names, func(i, j int) bool { return names[i].Name() < names[j].Name() })
	for _, n := range names {
		if err := w.entry(path.Join(dir, n.Name()), n, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(name string, n os.DirEntry, depth int) error {
	switch n.Type() {
	case fs.ModeDir:
		return w.folder(name, depth+1)
	case fs.ModeSymlink:
		return w.link(name)
	case 0:
		return w.met(w.regular(name))
	}
	return w.met(Entry{Path: name, Why: "not a regular file"})
}

func (w *walker) regular(name string) Entry {
	st, err := w.root.Lstat(name)
	if err != nil {
		return Entry{Path: name, Why: err.Error()}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Entry{Path: name, Why: "not a regular file"}
	}
	return Entry{Path: name, Kind: Regular, Size: st.Size}
}

// link lists a link only when a reader could not follow it inside the tree. An absolute target below the root's own name
// leads there too: a mount hands it out as a relative one.
func (w *walker) link(name string) error {
	target, err := w.root.Readlink(name)
	if err != nil {
		return w.met(Entry{Path: name, Kind: Escape, Why: err.Error()})
	}
	at, to := name, target
	if below, ok := strings.CutPrefix(target, w.root.File().Name()+"/"); ok {
		at, to = "x", below
	}
	if leads(at, to) {
		return nil
	}
	return w.met(Entry{Path: name, Kind: Escape, Why: "link to " + target + " leads out of the tree"})
}

// leads says whether a relative target stays inside by its name.
func leads(name, target string) bool {
	if path.IsAbs(target) {
		return false
	}
	end := path.Join("/", path.Dir(name)) + "/" + target
	depth := 0
	for _, part := range strings.Split(strings.TrimPrefix(end, "/"), "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

// Split finds the tree that a path given on a command line belongs to, and its name in there. A folder is a tree of its
// own. A file's tree is its folder, or for a blob of a Hugging Face cache the cache, since links elsewhere in it lead to
// the blob. Links in the path are followed: what a reader would open is what is judged.
func Split(name string) (root, rel string, err error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", "", err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", "", err
	}
	st, err := os.Stat(real)
	if err != nil {
		return "", "", err
	}
	if st.IsDir() {
		return real, "", nil
	}
	root = filepath.Dir(real)
	if cache, ok := hubCache(root); ok {
		root = cache
	}
	rel, err = filepath.Rel(root, real)
	if err == nil && (rel == ".." || strings.HasPrefix(rel, "../")) {
		err = errors.New("outside its own tree")
	}
	return root, rel, err
}

// hubCache gives DIR for DIR/models--o--n/blobs.
func hubCache(blobs string) (string, bool) {
	repo := filepath.Dir(blobs)
	kind, _, found := strings.Cut(filepath.Base(repo), "--")
	ok := found && filepath.Base(blobs) == "blobs" && (kind == "models" || kind == "datasets" || kind == "spaces")
	return filepath.Dir(repo), ok
}
