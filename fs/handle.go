package fs

import (
	"io"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// A handle is what one open gave: a version of a file, a report, or a directory's listing.
type handle struct {
	node    *node
	version *version  // of a model file
	claim   io.Closer // to what was inflated for a view, or nil
	data    []byte    // of a report

	mu      sync.Mutex
	entries []fuse.DirEntry // of a directory, as read at open or since at offset 0; guarded by mu
	given   bool            // entries have been asked for; guarded by mu
}

// close lets go of what a handle has. It is done once.
func (h *handle) close() {
	if h.version != nil {
		h.node.release(h.version)
	}
	if h.claim != nil {
		h.claim.Close()
	}
}

// handles are the opens that the kernel has not released.
type handles struct {
	mu   sync.RWMutex
	byID map[uint64]*handle
	last uint64
}

func newHandles() *handles { return &handles{byID: map[uint64]*handle{}} }

func (h *handles) add(x *handle) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	h.byID[h.last] = x
	return h.last
}

func (h *handles) get(id uint64) *handle {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byID[id]
}

func (h *handles) remove(id uint64) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	x := h.byID[id]
	delete(h.byID, id)
	return x
}

// open counts the handles of model files, for status and for tests.
func (h *handles) open() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.byID)
}

// closeAll ends what the kernel did not release: at an unmount it drops the last releases.
func (h *handles) closeAll() {
	h.mu.Lock()
	left := h.byID
	h.byID = map[uint64]*handle{}
	h.mu.Unlock()
	for _, x := range left {
		x.close()
	}
}
