package fs

import (
	"errors"
	"math"

	"github.com/hanwen/go-fuse/v2/fuse"

	"trustfs/integrity"
)

// Read answers with checked bytes from private memory, never with a descriptor or a pipe that the kernel would fill from
// the backing file by itself. An error of any kind is EIO and no data: a short answer would tell the kernel that the file
// ends there.
func (t *tree) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	h := t.handles.get(in.Fh)
	if h == nil || in.Offset > math.MaxInt64-uint64(len(buf)) {
		return nil, fuse.EIO
	}
	if h.version == nil {
		return fuse.ReadResultData(window(h.data, in.Offset, len(buf))), fuse.OK
	}
	data, err := h.version.read(buf, int64(in.Offset))
	if err != nil {
		t.readFailed(h, err)
		return nil, fuse.EIO
	}
	return fuse.ReadResultData(data), fuse.OK
}

// readFailed tells the gate of bytes that are not the judged ones, once a version, and ends the node: the next open is
// judged afresh, and gets a page cache of its own.
func (t *tree) readFailed(h *handle, err error) {
	path := h.node.key.path
	if t.spoolDamaged(h, err) {
		return
	}
	tampered, ok := errors.AsType[*integrity.TamperError](err)
	if !ok {
		t.log.Error("reading failed", "path", path, "error", err.Error())
		return
	}
	if h.version.announced.CompareAndSwap(false, true) {
		t.nodes.retire(h.node)
		if h.node.key.kind == kindView {
			t.views.gate.TamperedView(path, h.node.key.source, h.version.identity, tampered)
			return
		}
		t.gate.Tampered(path, h.version.identity, tampered)
	}
}

// window is the part of data that a read of n bytes at off gets.
func window(data []byte, off uint64, n int) []byte {
	if off >= uint64(len(data)) {
		return nil
	}
	data = data[off:]
	return data[:min(n, len(data))]
}
