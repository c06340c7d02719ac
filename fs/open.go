package fs

import (
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/internal/beneath"
)

// Open asks the gate. Model files are opened with FOPEN_KEEP_CACHE (a node is one version, so its pages stay right) and
// never with FOPEN_DIRECT_IO, which would break mmap; FOPEN_NOFLUSH saves a request at each close.
func (t *tree) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := t.nodes.get(in.NodeId)
	if n == nil {
		return stale
	}
	if in.Flags&unix.O_ACCMODE != unix.O_RDONLY || in.Flags&(unix.O_TRUNC|unix.O_CREAT) != 0 {
		return readOnly
	}
	h, err := t.open(asker{cancel, in.Caller}, n)
	if err = t.restless.settle(in.Pid, n.key.path, err); err != nil {
		return t.refuse("open", n.key.path, err)
	}
	if h == nil {
		return fuse.EACCES // the gate has said why
	}
	out.Fh = t.handles.add(h)
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH
	if h.version == nil {
		out.OpenFlags = fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH // a report has no size before it is made
	}
	return fuse.OK
}

// open gives a handle, or nil where the gate denies.
func (t *tree) open(who asker, n *node) (*handle, error) {
	switch n.key.kind {
	case kindFile:
		return t.openFile(who, n)
	case kindView:
		return t.openView(who, n)
	case kindReport:
		data, err := t.report(who, n)
		return &handle{node: n, data: data}, err
	case kindStatus:
		return &handle{node: n, data: t.status()}, nil
	}
	return nil, beneath.ErrNotRegular
}

// openFile has n judged, and binds what was judged to n.
func (t *tree) openFile(who asker, n *node) (*handle, error) {
	f, j, err := t.judgeNode(who, n)
	if err != nil {
		return nil, err
	}
	if !j.Allowed() {
		f.Close()
		return nil, nil
	}
	if j.Identity != n.key.id || j.Manifest.Size != int64(n.attr.Size) {
		f.Close()
		return nil, unix.ESTALE // it changed since it was looked up
	}
	v, ok := n.bind(f, j)
	if !ok {
		t.nodes.retire(n)
		return nil, unix.ESTALE
	}
	return &handle{node: n, version: v}, nil
}

// judgeNode opens what lies at n's path, if that is still what n stands for, and has it judged. The caller closes the file.
func (t *tree) judgeNode(who asker, n *node) (*os.File, *gatekeeper.Judgement, error) {
	f, err := t.reopen(n)
	if err != nil {
		return nil, nil, err
	}
	j, err := t.judge(who, f, n.key.path)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, j, nil
}

// reopen opens for reading what n stands for.
func (t *tree) reopen(n *node) (*os.File, error) {
	p, _, err := t.object(n)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return beneath.Reopen(p)
}

// Release ends an open.
func (t *tree) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	if h := t.handles.remove(in.Fh); h != nil {
		h.close()
	}
}
