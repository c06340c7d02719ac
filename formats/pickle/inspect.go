package pickle

import (
	"trustfs/formats"
	"trustfs/opcodes"
)

// maxStacked bounds how many streams behind one another are followed.
const maxStacked = 10_000

// Inspect runs the streams of s that opt describes and adds to c what a reader of them would do. It reports how far
// the streams reach; every way in which they break is a finding by then.
func Inspect(c *formats.Context, s *formats.Source, opt Options) Outcome {
	return inspect(c, s, opt, 0)
}

func inspect(c *formats.Context, s *formats.Source, opt Options, depth int) Outcome {
	out := Outcome{End: opt.Start}
	for want := max(opt.Streams, 1); out.Streams < want && !c.Stopped(); {
		end, err := stream(c, s, &opt, &out, out.End, depth)
		if err != nil {
			out.Err = err
			j := newJudge(c, s, &opt, &out)
			j.broken(err)
			return out
		}
		out.Streams, out.End = out.Streams+1, end
	}
	if !opt.LeaveRest && !c.Stopped() {
		rest(c, s, &opt, &out, depth)
	}
	return out
}

// stream judges the stream at start and gives the offset after its STOP, or why no reader gets there.
func stream(c *formats.Context, s *formats.Source, opt *Options, out *Outcome, start int64, depth int) (int64, error) {
	j := newJudge(c, s, opt, out)
	j.depth = depth
	rep := j.run(start, false)
	if rep != nil && j.truncated && !c.Stopped() {
		// Attributes were cut: judge again with all of them, which needs memory for each.
		again := newJudge(c, s, opt, out)
		again.depth, again.said, again.quiet = depth, j.said, true
		rep = again.run(start, true)
	}
	if rep == nil {
		return start, errStopped
	}
	end := j.farthest(rep)
	if end < 0 {
		return start, rep.Err(opcodes.All)
	}
	return end, nil
}

// farthest gives the offset after the last STOP that some reader reaches, or -1. A reader of stacked pickles that stops
// sooner takes what lies there for the next stream: where that does something it is judged too.
func (j *judge) farthest(rep *opcodes.Report) int64 {
	end := int64(-1)
	for _, o := range rep.Outcomes {
		if o.Err == nil {
			end = max(end, o.End)
		}
	}
	tried := map[int64]bool{end: true}
	for _, o := range rep.Outcomes {
		for _, at := range []int64{o.End, o.FileEnd} {
			if o.Err == nil && at < end && !tried[at] && active(j.c, j.s, at) {
				other := newJudge(j.c, j.s, &Options{}, &Outcome{})
				other.depth = j.depth
				other.run(at, false)
			}
			tried[at] = true
		}
	}
	return end
}

// contentsWords bounds the memory of a run that keeps whole containers, in 8-byte words.
const contentsWords = 6 << 20

// run executes one stream with every reader and charges its work to the file's budget. It gives nil when a budget is
// used up, which is a finding then.
func (j *judge) run(start int64, contents bool) *opcodes.Report {
	b := &j.c.Budget
	if b.Opcodes <= 0 || b.MemoEntries <= 0 || b.StringBytes <= 0 {
		j.c.Exceeded(j.s.At(start), "the budget of pickle opcodes (or of their memo entries or strings) is used up")
		return nil
	}
	opt := opcodes.Options{Start: start, Readings: opcodes.All, Handler: j.handle, Contents: contents,
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

type stoppedError struct{}

func (stoppedError) Error() string { return "the analysis stopped" }

var errStopped error = stoppedError{}

// broken records that a stream does not load, whatever it did before.
func (j *judge) broken(err error) {
	if err == errStopped {
		return
	}
	where := j.s.Where
	if e, ok := err.(*opcodes.Error); ok {
		where = j.s.At(e.Offset)
	}
	j.c.Addf(formats.RulePickleMalformed, where, "%v", err)
}
