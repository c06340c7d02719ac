package gatekeeper

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
	"trustfs/jail"
	"trustfs/jail/tasks"
	"trustfs/views"
)

// An Inflater decompresses members of a source in the jail. *Jailed is one.
type Inflater interface {
	// Inflate writes what the members hold, one behind the other, to w. A *NoViewError means that they are not what was said
	// of them; after any error, what was written counts for nothing.
	Inflate(ctx context.Context, f *os.File, m *integrity.Manifest, members []views.Member, w io.Writer) error
}

// Inflate has a worker decompress members of f.
func (j *Jailed) Inflate(ctx context.Context, f *os.File, m *integrity.Manifest, members []views.Member, w io.Writer) error {
	size := (&views.Plan{Members: members}).Inflated()
	answer, err := j.run(ctx, jail.Job{Task: tasks.Inflate, File: f, Manifest: m, Output: w, OutputSize: size,
		Request: tasks.InflateRequest{Members: members, Budget: j.Budget}})
	if err != nil {
		return err
	}
	limit, err := tasks.DecodeInflated(answer)
	if err == nil && limit != "" {
		err = &NoViewError{limit}
	}
	return err
}

// UseSpool lets the gate show views of compressed sources: what their tensors lie in is inflated into s, by the Viewer, which
// must be an Inflater too. It is called before the first view is asked for; the caller closes s after the gate.
func (g *Gate) UseSpool(s *spool.Spool) { g.spool = s }

// inflatable says why the compressed members of a plan give no view; nil if they may.
func (g *Gate) inflatable(p *views.Plan) error {
	_, can := g.cfg.Viewer.(Inflater)
	switch {
	case p == nil || len(p.Members) == 0:
		return nil
	case !can || g.spool == nil || g.spool.Max() == 0:
		return &NoViewError{"its tensors lie in compressed members, and views-spool allows no room to inflate them"}
	case p.Inflated() > g.spool.Max():
		return &NoViewError{(&spool.FullError{Size: p.Inflated(), Max: g.spool.Max()}).Error()}
	}
	return nil
}

// inflate gives the inflated members of a view to user, from the spool or by way of it. f leads to the source.
func (g *Gate) inflate(ctx context.Context, v *View, user uint32, f *os.File) (*spool.Content, error) {
	inflater, ok := g.cfg.Viewer.(Inflater)
	if !ok {
		return nil, errors.New("nobody inflates what the view lies in")
	}
	p := v.answer.Plan
	return g.spool.Get(ctx, v.spoolKey(), p.Inflated(), user, func() (spool.Fill, error) {
		own, err := duplicate(f) // the inflation may outlast this caller, for others
		return func(ctx context.Context, w io.Writer) error {
			defer own.Close()
			if err := ctx.Err(); err != nil {
				return err
			}
			return inflater.Inflate(ctx, own, v.Judgement.Manifest, p.Members, &checked{w: w, members: p.Members})
		}, err
	})
}

// A checked writer makes sure, outside the jail, that each member has the CRC that the plan says, which another worker made.
type checked struct {
	w       io.Writer
	members []views.Member
	sum     uint32
	n       int64 // of the first of members
}

var errOtherBytes = errors.New("the worker gives other bytes than the plan says")

func (c *checked) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if len(c.members) == 0 {
			return 0, errOtherBytes
		}
		m := &c.members[0]
		k := min(int64(len(rest)), m.Size-c.n)
		c.sum = crc32.Update(c.sum, crc32.IEEETable, rest[:k])
		rest, c.n = rest[k:], c.n+k
		if c.n < m.Size {
			continue
		}
		if c.sum != m.CRC {
			return 0, fmt.Errorf("%w: CRC %08x, expected %08x", errOtherBytes, c.sum, m.CRC)
		}
		c.members, c.n, c.sum = c.members[1:], 0, 0
	}
	return c.w.Write(p)
}
