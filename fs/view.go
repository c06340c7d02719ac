package fs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/views"
)

// ViewMode says whether pickles are shown as safetensors.
type ViewMode string

// The modes. The zero value is ViewsOff.
const (
	ViewsOff    ViewMode = "off"
	ViewsBeside ViewMode = "beside" // the views appear beside their sources
	ViewsOnly   ViewMode = "only"   // and what has a view's name of its own is not shown
)

// A Viewer is a Gate that gives views. *gatekeeper.Gate is one.
type Viewer interface {
	// View judges s.File and gives its view called name, a path in the tree. A *gatekeeper.NoViewError means that there is
	// none; any other error refuses.
	View(ctx context.Context, s gatekeeper.Subject, name string, kind views.Kind) (*gatekeeper.View, error)
	// RememberedView gives the same without work; ok is false where it is not known.
	RememberedView(s gatekeeper.Subject, name string) (v *gatekeeper.View, ok bool, err error)
	// ViewDigest reads the whole view of the source that f leads to, and that source reads, for user.
	ViewDigest(ctx context.Context, v *gatekeeper.View, user uint32, f *os.File, source io.ReaderAt) (integrity.Digest, error)
	// TamperedView is Tampered for bytes that were read through the view name of source.
	TamperedView(name, source string, id integrity.Identity, err *integrity.TamperError)
}

// viewing is what a tree needs to show views.
type viewing struct {
	mode   ViewMode
	gate   Viewer
	claims *Claims
}

func newViewing(o Options) (viewing, error) {
	v := viewing{mode: o.Views, claims: o.Claims}
	if v.claims == nil {
		v.claims = new(Claims)
	}
	switch o.Views {
	case "", ViewsOff:
		v.mode = ViewsOff
		return v, nil
	case ViewsBeside, ViewsOnly:
	default:
		return v, fmt.Errorf("fs: views %q: expected off, beside or only", o.Views)
	}
	gate, ok := o.Gate.(Viewer)
	if !ok {
		return v, errors.New("fs: views need a gate that gives them")
	}
	v.gate = gate
	return v, nil
}

func (v *viewing) on() bool { return v.mode != ViewsOff }

// noView says in err that there is none, which for the reader is a name that leads nowhere. Every other failure refuses.
func noView(err error) bool {
	_, none := errors.AsType[*gatekeeper.NoViewError](err)
	return none
}

// viewInode is a number for the views of a source, stable as long as the source's own. Its first bit is set, as in none
// that filesystems use; its second is not, as in those of .trustfs.
func viewInode(id integrity.Identity, kind views.Kind) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "view %d %d %d", kind, id.Dev, id.Ino)
	return 1<<63 | h.Sum64()&(1<<62-1)
}

// judgeView has the view called name of f made and judged; f is what lies at source. It waits as judge does.
func (t *tree) judgeView(who asker, f *os.File, source, name string) (*gatekeeper.View, error) {
	s := t.subject(who, f, source)
	v, known, err := t.views.gate.RememberedView(s, name)
	if !known {
		v, err = queued(t, who, f, "view\x00"+name, func(ctx context.Context, f *os.File) (*gatekeeper.View, error) {
			s.File = f
			return t.views.gate.View(context.WithoutCancel(ctx), s, name, kindOfView(name))
		})
	}
	if noView(err) && !known {
		t.log.Info("view.none", "path", name, "source", source, "reason", err.Error())
	}
	return v, err
}

func kindOfView(name string) views.Kind {
	for _, source := range views.SourcesOf(baseOf(name)) {
		if v, ok := views.ViewOf(source); ok {
			return v.Kind
		}
	}
	return views.KindTensors
}

// judgeViewNode opens the source of a view's node, if it is still what the node stands for, and has the view judged. The
// caller closes the file.
func (t *tree) judgeViewNode(who asker, n *node) (*os.File, *gatekeeper.View, error) {
	f, err := t.reopen(n)
	if err != nil {
		return nil, nil, err
	}
	v, err := t.judgeView(who, f, n.key.source, n.key.path)
	if err == nil && v.Judgement.Identity != n.key.id {
		err = unix.ESTALE
	}
	switch {
	case noView(err) && n.key.kind == kindReport:
		err = unix.ENOENT // a look at a report's name judges nothing, so that it may be there for a view that is not
	case noView(err):
		err = unix.ESTALE // there was one when the name was looked up
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, v, nil
}

// openView has a view judged again, and binds it to n.
func (t *tree) openView(who asker, n *node) (*handle, error) {
	f, v, err := t.judgeViewNode(who, n)
	if err != nil {
		return nil, err
	}
	if !v.Judgement.Allowed() {
		f.Close()
		return nil, nil
	}
	if v.Size() != int64(n.attr.Size) {
		f.Close()
		return nil, unix.ESTALE
	}
	c, err := t.viewContent(who, n, f, v)
	if err != nil {
		f.Close()
		return nil, err
	}
	claim := c.Claim() // the version is all readers', and each pays for it as long as he has it open
	bound, ok := n.bindView(f, v, c)
	if !ok {
		if claim != nil {
			claim.Close()
		}
		t.nodes.retire(n)
		return nil, unix.ESTALE
	}
	return &handle{node: n, version: bound, claim: claim}, nil
}
