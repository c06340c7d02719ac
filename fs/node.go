package fs

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// kind is what a node is to the reader.
type kind uint8

const (
	kindDir        kind = iota
	kindFile            // a regular file: judged at open
	kindLink            // a symbolic link: rewritten or refused
	kindSpecial         // FIFO, socket, device: shown as a regular file whose open is refused
	kindControl         // .trustfs
	kindStatus          // .trustfs/status.json
	kindReports         // .trustfs/report and its folders, each a mirror of a folder of the tree
	kindReport          // .trustfs/report/<path>.json
	kindReportLink      // .trustfs/report/<link>.json, a link to the report of the link's target
	kindView            // a view of a file: judged at lookup, since it has no size before, and at open
)

// A nodeKey says when two lookups mean the same node: same name, same object, same version of it, same rights. A hard link
// is another node under each name; a file that changed is another node.
type nodeKey struct {
	path     string // below the tree's root, slash-separated; "" for the root
	source   string // of a view and its report: the path of the file that the view shows
	kind     kind
	id       integrity.Identity
	mode     uint32 // permissions may change within the resolution of ctime
	uid, gid uint32
}

// isDir says whether the node is a directory to the reader. Directories keep one node while their content changes (a
// process may stand in one), so their attributes are asked for each time; all others are versions, and immutable.
func (k kind) isDir() bool { return k == kindDir || k == kindControl || k == kindReports }

// keyOf makes the key of the object that st describes.
func keyOf(path string, k kind, st *unix.Statx_t) nodeKey {
	id := integrity.IdentityFromStatx(st)
	if k.isDir() {
		return nodeKey{path: path, kind: k, id: integrity.Identity{Dev: id.Dev, Ino: id.Ino, Btime: id.Btime}}
	}
	return nodeKey{path: path, kind: k, id: id, mode: uint32(st.Mode), uid: st.Uid, gid: st.Gid}
}

// A node is one content version at one path. The kernel's inode, and with it the page cache, belongs to one node, because
// no identifier is ever used twice.
type node struct {
	id   uint64
	key  nodeKey
	attr fuse.Attr   // as recorded when the node was made; unused for directories
	born fuse.SxTime // birth time, the zero value where there is none

	refs uint64 // how many times the kernel was told of it; guarded by table.mu

	mu      sync.Mutex
	retired bool              // another version was found under the same identity: opens are stale
	bound   *integrity.Digest // what the page cache of this node holds, from the first open on
	version *version          // while a reader has it open
	summed  *viewSum          // of a view, once somebody has asked
}

// backing is the path of the object that n stands for.
func (n *node) backing() string {
	if n.key.source != "" {
		return n.key.source
	}
	return n.key.path
}

// A table holds the nodes that the kernel knows. Its lock is taken before no other.
type table struct {
	mu    sync.Mutex
	byID  map[uint64]*node
	byKey map[nodeKey]*node
	last  uint64
}

func newTable(root *node) *table {
	t := &table{byID: map[uint64]*node{fuse.FUSE_ROOT_ID: root}, byKey: map[nodeKey]*node{root.key: root}, last: fuse.FUSE_ROOT_ID}
	root.id, root.refs = fuse.FUSE_ROOT_ID, 1
	return t
}

// look gives the node of a key, made from fresh where there is none, and counts one reference of the kernel's.
func (t *table) look(fresh *node) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byKey[fresh.key]
	if n == nil {
		n = fresh
		t.last++
		n.id = t.last
		t.byID[n.id], t.byKey[n.key] = n, n
	}
	n.refs++
	return n
}

// get gives the node that the kernel names; nil if it names none of ours.
func (t *table) get(id uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// forget takes back references of the kernel's. Readers that still have a version open keep it through their handles.
func (t *table) forget(id, refs uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[id]
	if n == nil || id == fuse.FUSE_ROOT_ID {
		return
	}
	n.refs -= min(refs, n.refs)
	if n.refs > 0 {
		return
	}
	delete(t.byID, id)
	if t.byKey[n.key] == n {
		delete(t.byKey, n.key)
	}
}

// retire ends a node whose identity turned out to cover two contents: its opens are stale from now on, and the next lookup
// makes another node, with a page cache of its own.
func (t *table) retire(n *node) {
	n.mu.Lock()
	n.retired = true
	n.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey[n.key] == n {
		delete(t.byKey, n.key)
	}
}
