package fs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
)

// viewContent opens the bytes of a view whose source f leads to. Where they have to be inflated first, that waits for the
// asker's turn as a judgement does, and a signal ends the wait. A view that turns out not to be what its source says is
// refused now, and not there at the next look.
func (t *tree) viewContent(who asker, n *node, f *os.File, v *gatekeeper.View) (*gatekeeper.ViewContent, error) {
	c, ok, err := v.OpenNow(who.caller.Uid, frugal{f})
	if !ok && err == nil {
		c, err = t.inflated(who, n, f, v)
	}
	if tampered, ok := errors.AsType[*integrity.TamperError](err); ok { // the source was written while it was inflated
		t.views.gate.TamperedView(n.key.path, n.key.source, n.key.id, tampered)
		return nil, errors.Join(unix.EIO, err)
	}
	if noView(err) {
		t.log.Warn("view.none", "path", n.key.path, "source", n.key.source, "reason", err.Error())
		return nil, fmt.Errorf("%w: %w", unix.EACCES, err)
	}
	return c, t.withoutRoom(n, err)
}

// withoutRoom makes of a lack of room what the reader is told, and tells the operator. It is no verdict: the next open tries
// again.
func (t *tree) withoutRoom(n *node, err error) error {
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	t.warn("view.no_room", "path", n.key.path, "source", n.key.source, "error", err.Error())
	return fmt.Errorf("%w: %w", errNoRoom, err)
}

// inflated opens a view that has to be inflated. That goes on when a signal sends the asker back, who may well come again at
// once; it ends when he has gone, unless others wait.
func (t *tree) inflated(who asker, n *node, f *os.File, v *gatekeeper.View) (*gatekeeper.ViewContent, error) {
	var h handover
	name := "inflate\x00" + n.key.path
	_, err := queued(t, who, f, name, func(ctx context.Context, own *os.File) (struct{}, error) {
		ctx, stop := t.untilGone(ctx, who, workKey{n.key.id, name})
		defer stop()
		c, err := v.Open(ctx, who.caller.Uid, own, frugal{f})
		if err == nil {
			h.give(c)
		}
		return struct{}{}, err
	})
	if err != nil {
		h.giveUp()
		return nil, err
	}
	return h.content, nil
}

// A handover brings content from the work that opens it to who asked for it, who may have gone.
type handover struct {
	mu      sync.Mutex
	content *gatekeeper.ViewContent
	over    bool
}

func (h *handover) give(c *gatekeeper.ViewContent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.content = c
	if h.over {
		c.Close()
	}
}

func (h *handover) giveUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.content != nil {
		h.content.Close()
	}
}

// spoolDamaged says that inflated bytes were changed on the disk, once a version: the reader gets EIO, the next open inflates
// the source again. The source and its verdict stay.
func (t *tree) spoolDamaged(h *handle, err error) bool {
	damage, ok := errors.AsType[*spool.DamageError](err)
	if ok && h.version.announced.CompareAndSwap(false, true) {
		t.nodes.retire(h.node)
		t.log.Error("model.tampered", "path", h.node.key.path, "expected", damage.Expected, "actual", damage.Actual, "offset", damage.Offset,
			"detail", "the inflated copy in the state directory, not the source")
	}
	return ok
}

// frugal reads a source for a view, and leaves no copy of it in the page cache beside the view's own. The hints of
// version.read would name the wrong places: a view's offsets are not its source's.
type frugal struct{ file *os.File }

func (s frugal) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.file.ReadAt(p, off)
	_ = unix.Fadvise(int(s.file.Fd()), off, int64(n), unix.FADV_DONTNEED)
	return n, err
}
