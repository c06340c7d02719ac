package fs

import (
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
)

func isErr(err, target error) bool { return errors.Is(err, target) }

// Lookup finds an entry of a directory. A name that is not there is not remembered by the kernel: what appears is seen at
// the next look.
func (t *tree) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	parent := t.nodes.get(h.NodeId)
	if parent == nil || !parent.key.kind.isDir() {
		return stale
	}
	if !plainName(name) {
		return fuse.ENOENT
	}
	if len(name) > unix.NAME_MAX {
		return fuse.Status(unix.ENAMETOOLONG)
	}
	fresh, err := t.find(parent, name)
	if fresh, err = t.withViews(asker{cancel, h.Caller}, parent, name, fresh, err); err != nil {
		return t.refuse("lookup", join(parent.key.path, name), err)
	}
	attr := fresh.attr
	n := t.nodes.look(fresh)
	if !n.key.kind.isDir() {
		attr = n.attr
	}
	entry(out, n, attr)
	return fuse.OK
}

// find describes the entry of parent called name.
func (t *tree) find(parent *node, name string) (*node, error) {
	switch parent.key.kind {
	case kindControl:
		return t.findControl(name)
	case kindReports:
		return t.findReport(parent, name)
	}
	if parent.id == fuse.FUSE_ROOT_ID && name == controlName {
		return t.controlNode(), nil
	}
	st, err := t.child(parent, name)
	if err != nil {
		return nil, err
	}
	return describe(join(parent.key.path, name), kindOf(st.Mode), st), nil
}

// child describes the backing entry of a directory node. The name is resolved in the very directory that the node stands
// for, whose search permission the kernel has checked: a process that stands in a directory which was moved away must not
// reach through it what took its place.
func (t *tree) child(parent *node, name string) (*unix.Statx_t, error) {
	d, _, err := t.object(parent)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	p, err := beneath.New(d).Path(name)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return statx(p)
}

// describe makes a node of kind k for the object that st describes.
func describe(path string, k kind, st *unix.Statx_t) *node {
	return &node{key: keyOf(path, k, st), attr: attrOf(st, k), born: bornOf(st)}
}

// Forget takes back what Lookup gave.
func (t *tree) Forget(id, refs uint64) { t.nodes.forget(id, refs) }

// GetAttr gives a version's attributes as they were recorded, whatever has become of the file since; a directory's afresh.
func (t *tree) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	attr, _, k, err := t.attributes(in.NodeId)
	if err != nil {
		return t.refuse("getattr", "", err)
	}
	out.SetTimeout(k.valid())
	out.Attr = attr
	return fuse.OK
}

// Statx is GetAttr with the birth time.
func (t *tree) Statx(_ <-chan struct{}, in *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	attr, born, k, err := t.attributes(in.NodeId)
	if err != nil {
		return t.refuse("statx", "", err)
	}
	out.AttrValid = uint64(k.valid().Seconds())
	statxAnswer(out, attr, born)
	return fuse.OK
}

func (t *tree) attributes(id uint64) (fuse.Attr, fuse.SxTime, kind, error) {
	n := t.nodes.get(id)
	if n == nil {
		return fuse.Attr{}, fuse.SxTime{}, 0, unix.ESTALE
	}
	if k := n.key.kind; k != kindDir && k != kindReports {
		return n.attr, n.born, k, nil
	}
	d, st, err := t.object(n)
	if err != nil {
		return fuse.Attr{}, fuse.SxTime{}, 0, err
	}
	defer d.Close()
	return attrOf(st, n.key.kind), bornOf(st), n.key.kind, nil
}

// Access is not asked of a mount with default_permissions: the kernel decides by mode and ACL. If it were asked, nobody
// would have decided.
func (t *tree) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fuse.EACCES }

// StatFs is the backing filesystem's.
func (t *tree) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(t.root.File().Fd()), &st); err != nil {
		return t.refuse("statfs", "", err)
	}
	*out = fuse.StatfsOut{
		Blocks: st.Blocks, Bfree: st.Bfree, Bavail: st.Bavail, Files: st.Files, Ffree: st.Ffree,
		Bsize: uint32(st.Bsize), NameLen: uint32(st.Namelen), Frsize: uint32(st.Frsize),
	}
	return fuse.OK
}
