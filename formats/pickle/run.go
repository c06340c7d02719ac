package pickle

import (
	"slices"

	"trustfs/formats"
	"trustfs/opcodes"
)

// contentsWords bounds the memory of a run that keeps whole containers, in 8-byte words.
const contentsWords = 6 << 20

// A group is readers that see a stream alike, and the offset before which another group told all that happens.
type group struct {
	set   opcodes.Readings
	from  int64
	split bool // opcodes.Options.SplitKeys
}

// run judges one stream as every reader sees it: all of them together as long as they agree, then each group in a run
// of its own, so that what the judge remembers of Values belongs to one run. It gives the outcomes, the furthest first,
// or false when a budget is used up, which is a finding then.
func (j *judge) run(start int64, contents bool) (outcomes []opcodes.Outcome, ok bool) {
	queue := []group{{set: opcodes.All}}
	for len(queue) > 0 {
		g := queue[0]
		queue = queue[1:]
		j.begin(g)
		rep := j.once(start, g, contents)
		if rep == nil || j.c.Stopped() {
			return nil, false
		}
		main := g.set
		for _, fork := range j.forks {
			if main&fork.set == fork.set { // not a fork of a fork, which its own run will see
				queue = append(queue, fork)
				main &^= fork.set
			}
		}
		for _, o := range rep.Outcomes {
			if o.Readings&main != 0 {
				outcomes = append(outcomes, o)
			}
		}
	}
	slices.SortStableFunc(outcomes, func(a, b opcodes.Outcome) int { return int(min(max(b.Offset-a.Offset, -1), 1)) })
	return outcomes, true
}

// begin forgets what belonged to another run's Values.
func (j *judge) begin(g group) {
	j.from, j.forks, j.over = g.from, nil, false
	j.names = nil
	j.dtypes = map[opcodes.Value]dtype{}
	j.stored = map[opcodes.Value]bool{}
	j.keys = [keyCache]opcodes.Value{}
	j.storageWord, j.location, j.fresh = 0, 0, 0
	j.bundle, j.other = bundle{}, -1
}

// once runs the machine and charges its work to the file's budget.
func (j *judge) once(start int64, g group, contents bool) *opcodes.Report {
	b := &j.c.Budget
	if b.Opcodes <= 0 || b.MemoEntries <= 0 || b.StringBytes <= 0 {
		j.c.Exceeded(j.s.At(start), "the budget of pickle opcodes (or of their memo entries or strings) is used up")
		return nil
	}
	opt := opcodes.Options{Start: start, Readings: g.set, SplitKeys: g.split, Handler: j.handle, Contents: contents, Stops: j.opt.array,
		Budget: opcodes.Budget{Opcodes: b.Opcodes, Entries: b.MemoEntries, StringBytes: b.StringBytes}}
	if contents {
		opt.Budget.Words = contentsWords
	}
	rep := opcodes.Run(j.s.R, j.s.Size, opt)
	b.Opcodes -= rep.Opcodes
	if e := rep.Exceeded(); e != nil {
		if e.Kind == opcodes.ReadFailed {
			j.c.Addf(formats.RuleInspectorFailed, j.s.At(e.Offset), "%s", e.Error())
			return nil
		}
		j.c.Exceeded(j.s.At(e.Offset), "%s", e.Error())
		return nil
	}
	return rep
}

// spend charges the work of looking at n values, so that a stream which shows one large object a million times meets
// its budget.
func (j *judge) spend(at int64, n int) {
	if n <= opcodes.KeptItems*2 {
		return // no more than an opcode's own work
	}
	if j.c.Budget.Opcodes -= int64(n); j.c.Budget.Opcodes <= 0 {
		j.c.Exceeded(j.s.At(at), "the budget of pickle opcodes is used up by looking at their values")
	}
}
