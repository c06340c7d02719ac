package pickle

import (
	"errors"

	"trustfs/formats"
	"trustfs/opcodes"
)

// maxStacked bounds how many streams behind one another are followed.
const maxStacked = 10_000

// Inspect runs the streams of s that opt describes and adds to c what a reader of them would do. It reports how far
// the streams reach; every way in which they break is a finding by then.
func Inspect(c *formats.Context, s *formats.Source, opt Options) Outcome {
	w := &work{c: c, s: s, opt: opt, known: &known{arrays: map[int64]int64{}, nested: map[int64]bool{}, carriedAt: map[int64]bool{}}}
	return w.inspect()
}

// work is one Inspect, or the part of it that follows an array of objects.
type work struct {
	c     *formats.Context
	s     *formats.Source
	opt   Options
	out   Outcome
	depth int // arrays of objects around it
	stops []stop
	*known
}

// known is what one Inspect has looked at already: a stream may lead to the same place any number of times.
type known struct {
	arrays map[int64]int64 // lengths of joblib's arrays of objects by offset; -1 for those that do not end
	nested map[int64]bool  // offsets of bytes that were inspected as files of their own
	probes int             // places tried for a further stream

	scanned   int64          // bytes searched for pickles carried as data
	decoded   int64          // bytes read to be decoded, of texts that may spell them
	tries     int            // places at which one was run
	carriedAt map[int64]bool // those places
}

func (w *work) inspect() Outcome {
	w.out.End = w.opt.Start
	for want := max(w.opt.Streams, 1); w.out.Streams < want && !w.c.Stopped(); {
		end, err := w.stream(w.out.End)
		if err != nil {
			w.out.Err = err
			w.broken(err)
			return w.out
		}
		w.carried(w.out.End, end)
		w.out.Streams, w.out.End = w.out.Streams+1, end
	}
	if !w.opt.LeaveRest && !w.c.Stopped() {
		w.rest()
	}
	return w.out
}

// stream judges the stream at start and gives the offset after its STOP, or why no reader gets there.
func (w *work) stream(start int64) (int64, error) {
	j := newJudge(w)
	outcomes, ok := j.run(start, false)
	if ok && j.truncated {
		// Attributes were cut: judge again with all of them, which needs memory for each.
		again := newJudge(w)
		again.said, again.quiet = j.said, true
		outcomes, ok = again.run(start, true)
	}
	if !ok || len(outcomes) == 0 {
		return start, errStopped
	}
	end := w.farthest(outcomes)
	if end < 0 {
		return start, outcomes[0].Err
	}
	return end, nil
}

// farthest gives the offset after the last STOP that some reader reaches, or -1. A reader of stacked pickles that stops
// sooner takes what lies there for the next stream: where that does something it is judged too.
func (w *work) farthest(outcomes []opcodes.Outcome) int64 {
	end := int64(-1)
	for _, o := range outcomes {
		if o.Err == nil {
			end = max(end, o.End)
		}
	}
	tried := map[int64]bool{end: true}
	for _, o := range outcomes {
		for _, at := range []int64{o.End, o.FileEnd} {
			if o.Err == nil && at < end && !tried[at] && w.active(at) {
				newJudge(w).run(at, false)
			}
			tried[at] = true
		}
	}
	return end
}

var errStopped = errors.New("the analysis stopped")

// broken records that a stream does not load, whatever it did before.
func (w *work) broken(err error) {
	if err == errStopped {
		return
	}
	where := w.s.Where
	if e, ok := errors.AsType[*opcodes.Error](err); ok {
		where = w.s.At(e.Offset)
	}
	w.c.Addf(formats.RulePickleMalformed, where, "%v", err)
}
