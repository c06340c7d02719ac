package fs

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
)

// tree answers the kernel. It implements fuse.RawFileSystem with methods of its own only; operations_test.go holds the
// list of them, and what each may do.
type tree struct {
	root     *beneath.Root
	gate     Gate
	views    viewing
	log      *slog.Logger
	status   func() []byte
	links    linkRules
	nodes    *table
	handles  *handles
	queue    *queue
	underWay underWay
	restless restless
	said     seldom     // of what the operator was told
	owner    fuse.Owner // of what exists only in the mount
	started  time.Time
	done     chan struct{} // closed when the server gives up: waits for judgements end
}

var _ fuse.RawFileSystem = (*tree)(nil)

// newTree makes the tree below root, without mounting it.
func newTree(root *beneath.Root, o Options, links linkRules) (*tree, error) {
	st, err := statx(root.File())
	if err != nil {
		return nil, err
	}
	views, err := newViewing(o)
	if err != nil {
		return nil, err
	}
	return &tree{
		root: root, gate: o.Gate, views: views, log: o.Log, status: o.Status, links: links,
		nodes:   newTable(&node{key: keyOf("", kindDir, st)}),
		handles: newHandles(),
		queue:   newQueue(o.Judgements, o.JudgementsPerUser),
		owner:   fuse.Owner{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())},
		started: time.Now(),
		done:    make(chan struct{}),
	}, nil
}

// String names the filesystem for go-fuse's messages.
func (t *tree) String() string { return "trustfs" }

// SetDebug would switch go-fuse's tracing on; trustfs has none.
func (t *tree) SetDebug(bool) {}

// Init is called before the first request.
func (t *tree) Init(*fuse.Server) {}

// OnUnmount is called after the last request.
func (t *tree) OnUnmount() {}

// onPanic refuses: a handler that panics has decided nothing.
func (t *tree) onPanic(v any) fuse.Status {
	t.log.Error("a request handler failed; the request is refused", "panic", v, "stack", string(debug.Stack()))
	return fuse.EACCES
}

// refuse turns err into an errno, and tells the operator where the reader's errno alone would not explain itself.
func (t *tree) refuse(op, path string, err error) fuse.Status {
	status := errnoOf(err, unix.EACCES)
	if status == fuse.EACCES {
		t.warn("refused", "op", op, "path", path, "error", err.Error())
	}
	return status
}

// warn tells the operator, but not the same again and again: who opens a FIFO in a loop must not fill the log.
func (t *tree) warn(message string, about ...any) {
	if repeated, due := t.said.due(time.Now(), fmt.Sprint(message, about)); due {
		if repeated > 0 {
			about = append(about, "repeated", repeated)
		}
		t.log.Warn(message, about...)
	}
}

// object opens O_PATH what lies at n's path (a view's source), and says ESTALE when that is no longer what n stands for.
// The caller closes it.
func (t *tree) object(n *node) (*os.File, *unix.Statx_t, error) {
	p, err := t.root.Path(n.backing())
	if err != nil {
		return nil, nil, vanished(err)
	}
	st, err := statx(p)
	if err == nil {
		key := keyOf(n.key.path, n.key.kind, st)
		key.source = n.key.source
		if key != n.key {
			err = unix.ESTALE
		}
	}
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, st, nil
}

// vanished makes ESTALE of what says that a name no longer leads where it led: the kernel then looks it up again, and finds
// out what is there now.
func vanished(err error) error {
	for _, gone := range []error{unix.ENOENT, unix.ENOTDIR, unix.ELOOP} {
		if isErr(err, gone) {
			return unix.ESTALE
		}
	}
	return err
}

// join makes the path of an entry of the directory at dir.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// plainName says whether name can be an entry of a directory. The kernel sends no other, except where it resolves file
// handles for NFS.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
