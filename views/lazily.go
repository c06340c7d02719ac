package views

import (
	"io"
	"slices"

	"trustfs/formats"
)

// lazily opens the compressed members of a Plan for the view's own inspection, in the jail: what it looks at is inflated, as
// far as that, and the rest is not.
func lazily(source io.ReaderAt, p *Plan) *lazy {
	return &lazy{source: source, plan: p, ctx: &formats.Context{Budget: formats.DefaultBudget()}}
}

type lazy struct {
	source io.ReaderAt
	plan   *Plan
	ctx    *formats.Context
	open   []openMember // the latest last
	err    error        // the first thing that was wrong with a member
}

type openMember struct {
	index int
	r     io.ReaderAt
}

// keptOpen is how many members stay inflated at a time: the worker's memory holds few.
const keptOpen = 3

func (l *lazy) readers() []io.ReaderAt {
	out := make([]io.ReaderAt, len(l.plan.Members))
	for i := range out {
		out[i] = lazyMember{l, i}
	}
	return out
}

type lazyMember struct {
	l     *lazy
	index int
}

// ReadAt implements io.ReaderAt.
func (m lazyMember) ReadAt(b []byte, off int64) (int, error) {
	r, err := m.l.member(m.index)
	if err != nil {
		return 0, err
	}
	return r.ReadAt(b, off)
}

// member inflates a member, if it is not at hand, and makes sure that it is what was said of it.
func (l *lazy) member(index int) (io.ReaderAt, error) {
	if i := slices.IndexFunc(l.open, func(o openMember) bool { return o.index == index }); i >= 0 {
		return l.open[i].r, nil
	}
	m := &l.plan.Members[index]
	d := m.Method.Unpack(l.ctx, "", io.NewSectionReader(l.source, m.Offset, m.Packed), m.Size)
	var err error
	switch {
	case d.Err() != nil:
		err = m.wrong("after %d bytes: %v", d.Size(), d.Err())
	case d.Size() != m.Size || d.CRC() != m.CRC:
		err = m.wrong("inflates to %d bytes with CRC %08x; %d with %08x were said", d.Size(), d.CRC(), m.Size, m.CRC)
	}
	if err != nil {
		if l.err == nil {
			l.err = err
		}
		return nil, err
	}
	l.open = append(l.open, openMember{index, d})
	if len(l.open) > keptOpen {
		l.open = slices.Delete(l.open, 0, 1)
	}
	return d, nil
}
