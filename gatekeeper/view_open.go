package gatekeeper

import (
	"context"
	"errors"
	"io"
	"os"

	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
	"trustfs/views"
)

// A ViewContent is a view's bytes, open to be read. Its owner closes it.
type ViewContent struct {
	io.ReaderAt // every byte comes through a Manifest that was made of judged bytes

	size    int64
	spooled *spool.Content // nil: all bytes are the source's own
}

// Size is the view's size in bytes.
func (c *ViewContent) Size() int64 { return c.size }

// Close lets go of what was inflated for the view. What leads to the source stays open.
func (c *ViewContent) Close() error {
	if c.spooled == nil {
		return nil
	}
	return c.spooled.Close()
}

// Claim takes out of c what counts for the share of the user who opened it, so that c can serve others too for as long as
// they have claims of their own. nil where nothing was inflated. It is called once, before anything else; the caller closes it.
func (c *ViewContent) Claim() io.Closer {
	if c.spooled == nil {
		return nil
	}
	return c.spooled.Part()
}

// Open opens the view for user, a uid. source reads the source's bytes, each through the Manifest that was judged; f leads to the same file,
// for the worker. Where tensors lie in compressed members those are inflated first, once for all who have them open, and ctx
// ends the wait for that. A *NoViewError says that they do not hold what the archive says; an error that is ENOSPC that
// there is no room now.
func (v *View) Open(ctx context.Context, user uint32, f *os.File, source io.ReaderAt) (*ViewContent, error) {
	if c, ok, err := v.OpenNow(user, source); ok || err != nil {
		return c, err
	}
	inflated, err := v.gate.inflate(ctx, v, user, f)
	if err != nil {
		v.gate.notInflated(v, err)
		return nil, err
	}
	return v.content(source, inflated)
}

// OpenNow is Open where nothing has to be inflated for it; ok is false where something has.
func (v *View) OpenNow(user uint32, source io.ReaderAt) (c *ViewContent, ok bool, err error) {
	var inflated *spool.Content
	if v.compressed() {
		if err := v.gate.inflatable(v.answer.Plan); err != nil {
			return nil, false, err
		}
		if inflated, ok, err = v.gate.spool.Lookup(v.spoolKey(), user); !ok {
			return nil, false, err
		}
	}
	c, err = v.content(source, inflated)
	return c, err == nil, err
}

func (v *View) compressed() bool { return v.answer.Plan != nil && len(v.answer.Plan.Members) > 0 }

func (v *View) spoolKey() spool.Key {
	return spool.Key{Source: v.Judgement.Manifest.Digest, Part: v.answer.Plan.Part()}
}

// content puts the view together; inflated becomes its own.
func (v *View) content(source io.ReaderAt, inflated *spool.Content) (*ViewContent, error) {
	c := &ViewContent{size: v.Size(), spooled: inflated}
	if v.answer.Plan == nil {
		c.ReaderAt = v.answer.IndexReader()
		return c, nil
	}
	var members []io.ReaderAt
	if inflated != nil {
		members = v.answer.Plan.Sections(inflated)
	}
	r, err := views.NewReader(v.answer.Plan, integrity.NewReader(source, v.Judgement.Manifest), members)
	if err != nil {
		c.Close()
		return nil, err
	}
	c.ReaderAt = r
	return c, nil
}

// ViewDigest works out the SHA-256 of a view's bytes for user, a uid. It reads the whole view; see View.Open.
func (g *Gate) ViewDigest(ctx context.Context, v *View, user uint32, f *os.File, source io.ReaderAt) (integrity.Digest, error) {
	c, err := v.Open(ctx, user, f, source)
	if err != nil {
		return integrity.Digest{}, err
	}
	defer c.Close()
	m, err := integrity.Build(ctx, c, v.Size(), nil)
	if err != nil {
		return integrity.Digest{}, err
	}
	return m.Digest, nil
}

// notInflated remembers that there is no view after all: its members do not hold what the archive says of them, and will not
// at the next look.
func (g *Gate) notInflated(v *View, err error) {
	none, ok := errors.AsType[*NoViewError](err)
	if !ok || !v.entry.kept || g.memory.verdict(v.key) != v.entry {
		return
	}
	e := *v.entry
	e.err = none
	g.memory.keepVerdict(v.key, &e)
}
