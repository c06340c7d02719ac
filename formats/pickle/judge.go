package pickle

import (
	"trustfs/formats"
	"trustfs/opcodes"
)

// A judge turns the events of one stream into findings.
type judge struct {
	c   *formats.Context
	s   *formats.Source
	opt *Options
	out *Outcome

	names  map[*opcodes.Global]*name
	said   map[string]bool // rule and detail of what was found, so that each is found once a stream
	dtypes map[opcodes.Value]dtype
	filled map[opcodes.Value]bool // objects that opcodes gave items; perhaps some that are gone
	stored map[opcodes.Value]bool // partial objects whose function BUILD made one that may not be called; the same
	shown  map[*opcodes.Global]bool
	depth  int
	over   bool // the readings followed now raised an exception that the machine cannot know of
	// truncated says that some object's attributes were not kept: the stream is judged again with all of them.
	truncated bool
	quiet     bool // a second run over the same stream: facts and handlers have been served
}

func newJudge(c *formats.Context, s *formats.Source, opt *Options, out *Outcome) *judge {
	return &judge{c: c, s: s, opt: opt, out: out, names: map[*opcodes.Global]*name{}, said: map[string]bool{},
		dtypes: map[opcodes.Value]dtype{}, filled: map[opcodes.Value]bool{},
		stored: map[opcodes.Value]bool{}, shown: map[*opcodes.Global]bool{}}
}

// handle is the machine's handler.
func (j *judge) handle(m *opcodes.Machine, e *opcodes.Event) {
	if e.Kind == opcodes.EvReading {
		j.over = false
	}
	if j.over = j.over || j.raises(m, e); j.over {
		return
	}
	switch e.Kind {
	case opcodes.EvGlobal:
		j.global(e)
	case opcodes.EvDynamic:
		j.find(formats.RuleGlobalDynamic, e.Offset, "a name that exists only at run time: "+render(m, e.Object, 80)+" . "+render(m, e.Args, 120), "")
	case opcodes.EvCall:
		j.call(m, e)
	case opcodes.EvBuild:
		j.build(m, e)
	case opcodes.EvSetItems, opcodes.EvAppends, opcodes.EvAddItems:
		j.mutate(m, e)
	case opcodes.EvPersistent:
		j.persistent(m, e)
	case opcodes.EvExtension:
		j.find(formats.RulePickleExtension, e.Offset, "extension code: what it calls depends on the reading process", "")
	case opcodes.EvBuffer:
		j.find(formats.RulePickleMalformed, e.Offset, "an out-of-band buffer, which no file has", "")
	}
	if j.opt.Handler != nil && !j.quiet {
		j.opt.Handler(m, e)
	}
}

// find adds a finding once for each rule and detail in a stream, so that a name resolved a thousand times counts once.
func (j *judge) find(rule string, offset int64, detail, preset string) {
	k := rule + "\x00" + detail
	if j.said[k] {
		return
	}
	if len(j.said) < 4*formats.MaxFindings { // beyond it Add keeps only counts
		j.said[k] = true
	}
	j.c.Add(formats.Finding{Rule: rule, Where: j.s.At(offset), Detail: detail, Preset: preset})
}
