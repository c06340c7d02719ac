package fs

import (
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
	"trustfs/views"
)

func baseOf(name string) string { return path.Base(name) }

// A viewSource is the file that a view is made of.
type viewSource struct {
	path string   // in the tree, links followed
	file *os.File // O_PATH; the caller closes it
	stat *unix.Statx_t
}

// withViews is the second look at an entry of parent: what the views hide is not there, and what is not there may be a
// view. fresh and err are what the first look has found. A real file always wins.
func (t *tree) withViews(who asker, parent *node, name string, fresh *node, err error) (*node, error) {
	switch {
	case !t.views.on() || parent.key.kind != kindDir:
		return fresh, err
	case err == nil:
		if t.hides(parent.key.path, name, fresh.key.kind) {
			return nil, unix.ENOENT
		}
		return fresh, nil
	case !isErr(err, unix.ENOENT):
		return nil, err
	}
	src, err := t.viewSource(parent, name)
	if err != nil {
		return nil, err
	}
	defer src.file.Close()
	path := join(parent.key.path, name)
	n, err := t.viewNode(who, path, src)
	if isErr(err, unix.ESTALE) { // not for success: the open that follows may have been sent back already
		err = t.restless.settle(who.caller.Pid, path, err)
	}
	return n, err
}

// hides says whether an entry is not shown because it is a source, and the views stand for sources. The name alone
// decides: with two sources that claim one view, neither the view nor they are shown.
func (t *tree) hides(dir, name string, k kind) bool {
	if t.views.mode != ViewsOnly || isBlobs(dir) || k != kindFile && k != kindLink {
		return false
	}
	_, ok := views.ViewOf(name)
	return ok
}

// isBlobs says whether dir is where a Hugging Face cache keeps its files: their names are digests, and views appear beside
// the links that lead to them.
func isBlobs(dir string) bool {
	repo, ok := strings.CutSuffix(dir, "/blobs")
	kind, _, named := strings.Cut(baseOf(repo), "--")
	return ok && named && (kind == "models" || kind == "datasets" || kind == "spaces")
}

// viewSource finds the one source in parent that a view's name stands for; ENOENT where there is none, or several.
func (t *tree) viewSource(parent *node, name string) (*viewSource, error) {
	candidates := views.SourcesOf(name)
	if len(candidates) == 0 || isBlobs(parent.key.path) {
		return nil, unix.ENOENT
	}
	d, _, err := t.object(parent)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var found []*viewSource
	defer func() {
		for _, s := range found {
			s.file.Close()
		}
	}()
	for _, c := range candidates {
		s, err := sourceAt(beneath.New(d), c)
		if err != nil && !isErr(err, unix.ENOENT) {
			return nil, err
		}
		if err == nil {
			s.path = join(parent.key.path, c)
			found = append(found, s)
		}
	}
	t.claim(join(parent.key.path, name), len(found) > 1)
	if len(found) != 1 {
		return nil, unix.ENOENT
	}
	if kindOf(found[0].stat.Mode) == kindLink {
		return t.followSource(parent.key.path, found[0])
	}
	only := found[0]
	found = nil
	return only, nil
}

// claim keeps account of names that several sources claim, and says so once.
func (t *tree) claim(path string, several bool) {
	if t.views.claims.note(path, several) {
		t.log.Warn("several files claim the name of one view; none is shown", "path", path)
	}
}

// sourceAt opens a file or link called name in dir; ENOENT for everything else.
func sourceAt(dir *beneath.Root, name string) (*viewSource, error) {
	p, err := dir.Path(name)
	if err != nil {
		return nil, err
	}
	st, err := statx(p)
	if err == nil {
		if k := kindOf(st.Mode); k != kindFile && k != kindLink {
			err = unix.ENOENT
		}
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return &viewSource{file: p, stat: st}, nil
}

// viewNode has the view at path judged, and makes its node: the size is the view's, owner, times and rights to read are its
// source's.
func (t *tree) viewNode(who asker, path string, src *viewSource) (*node, error) {
	n := describe(path, kindView, src.stat)
	n.key.source = src.path
	f, err := beneath.Reopen(src.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v, err := t.judgeView(who, f, src.path, path)
	if noView(err) {
		return nil, unix.ENOENT
	}
	if err != nil {
		return nil, err
	}
	if v.Judgement.Identity != n.key.id {
		return nil, unix.ESTALE
	}
	n.attr.Ino = viewInode(n.key.id, kindOfView(path))
	n.attr.Size, n.attr.Blocks, n.attr.Nlink = uint64(v.Size()), (uint64(v.Size())+511)/512, 1
	n.attr.Mode &= unix.S_IFREG | 0o444
	return n, nil
}
