package fs

import (
	"context"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// findViewReport finds the report of a view. It has the rights of the view's source, and nothing is judged before it is
// read.
func (t *tree) findViewReport(parent *node, name string) (*node, error) {
	view, ok := strings.CutSuffix(name, reportSuffix)
	if !ok || !t.views.on() {
		return nil, unix.ENOENT
	}
	src, err := t.viewSource(parent, view)
	if err != nil {
		return nil, err
	}
	defer src.file.Close()
	n := describe(join(parent.key.path, view), kindReport, src.stat)
	n.key.source = src.path
	return n, nil
}

// viewReport is a view's own report.
func (t *tree) viewReport(who asker, n *node) (*gatekeeper.Report, error) {
	f, v, err := t.judgeViewNode(who, n)
	if refused, ok := errors.AsType[*gatekeeper.RefusedError](err); ok {
		return refused.Report, nil
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return reportOf(v.Judgement)
}

// openedView is judgeViewNode that gives an open version's own view after its name has gone to another source.
func (t *tree) openedView(who asker, n *node) (*os.File, *gatekeeper.View, error) {
	f, v, err := t.judgeViewNode(who, n)
	open := n.held(err)
	if open == nil {
		return f, v, err
	}
	defer n.release(open)
	f, err = duplicate(open.file)
	return f, open.view, err
}

// viewXattr answers user.trustfs.* of a view. Its SHA-256 takes a pass over the source, and is worked out when it is asked
// for alone.
func (t *tree) viewXattr(who asker, n *node, name string) ([]byte, error) {
	if name == "sha256" {
		return t.viewDigest(who, n)
	}
	f, v, err := t.openedView(who, n)
	if err != nil {
		return nil, err
	}
	f.Close()
	r, err := reportOf(v.Judgement)
	if err != nil {
		return nil, err
	}
	return ownValue(r, name)
}

// A viewSum is the digest of a view's bytes.
type viewSum struct{ of, digest integrity.Digest }

func (t *tree) viewDigest(who asker, n *node) ([]byte, error) {
	f, v, err := t.openedView(who, n)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fingerprint := v.Fingerprint()
	n.mu.Lock()
	known := n.summed
	n.mu.Unlock()
	if known == nil || known.of != fingerprint {
		digest, err := queued(t, who, f, "digest\x00"+n.key.path, func(ctx context.Context, f *os.File) (integrity.Digest, error) {
			return t.views.gate.ViewDigest(ctx, v, who.caller.Uid, f, frugal{f}) // nobody else waits for it: it ends with the asker
		})
		if tampered, ok := errors.AsType[*integrity.TamperError](err); ok {
			t.views.gate.TamperedView(n.key.path, n.key.source, n.key.id, tampered)
			return nil, errors.Join(unix.EIO, err)
		}
		if err != nil {
			return nil, t.withoutRoom(n, err)
		}
		known = &viewSum{of: fingerprint, digest: digest}
		n.mu.Lock()
		n.summed = known
		n.mu.Unlock()
	}
	return []byte(known.digest.String()), nil
}
