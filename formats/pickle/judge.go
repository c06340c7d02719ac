package pickle

import (
	"trustfs/formats"
	"trustfs/opcodes"
)

// A judge turns the events of one stream into findings.
type judge struct {
	*work
	said  map[string]bool // rule and detail of what was found, so that each is found once a stream
	shown map[string]bool // allowed callables among the facts
	// truncated says that some object's attributes were not kept: the stream is judged again with all of them.
	truncated bool
	quiet     bool // a second run over the same stream: facts and handlers have been served

	// Of the run for one group of readers:
	from   int64   // before it, events were told by another group's run
	forks  []group // readings that left this group
	over   bool    // the group raised an exception that the machine cannot know of
	names  []*name // by Global.ID; nil for those not asked for
	dtypes map[opcodes.Value]dtype
	keys   [keyCache]opcodes.Value // names of attributes that were looked at: see plainKey
	bundle bundle                  // the last tuple that must be arguments
	other  int64                   // the last event that no dtype is made of
	// the last literals found to begin, and to be the location in, the persistent id of a storage
	storageWord, location opcodes.Value
	fresh                 opcodes.Value          // the last wrapper of joblib's that was made, until it is built
	wrapper               string                 // the name of those whose arrays were skipped
	stored                map[opcodes.Value]bool // partial objects whose function BUILD made one that may not be called; perhaps some that are gone
}

func newJudge(w *work) *judge {
	return &judge{work: w, said: map[string]bool{}, shown: map[string]bool{}}
}

// told says that callers and facts know of the event already.
func (j *judge) told(offset int64) bool { return j.quiet || offset < j.from }

// handle is the machine's handler.
func (j *judge) handle(m *opcodes.Machine, e *opcodes.Event) {
	if e.Kind == opcodes.EvReading {
		j.forks = append(j.forks, group{set: e.Readings, from: e.Offset, split: e.SplitKeys})
	}
	if len(j.forks) > 0 || j.c.Stopped() {
		return // another run follows those who left
	}
	if j.over = j.over || j.raises(m, e); j.over {
		return
	}
	if j.bundle.name != nil {
		j.bundled(m, e)
	}
	switch e.Kind {
	case opcodes.EvGlobal:
		j.global(e)
	case opcodes.EvDynamic:
		j.find(formats.RuleGlobalDynamic, e.Offset, "a name that exists only at run time: "+render(m, e.Object, 80)+" . "+render(m, e.Args, 120), "")
	case opcodes.EvCall:
		if !j.again(m, e) {
			j.call(m, e)
		}
	case opcodes.EvBuild:
		j.build(m, e)
	case opcodes.EvSetItems, opcodes.EvAppends, opcodes.EvAddItems:
		j.mutate(m, e)
	case opcodes.EvPersistent:
		j.persistent(m, e)
	case opcodes.EvStop:
		j.stopped(m, e)
	case opcodes.EvHeld:
		j.held(m, e)
	case opcodes.EvChanged:
		j.changed(e)
	case opcodes.EvExtension:
		j.find(formats.RulePickleExtension, e.Offset, "extension code: what it calls depends on the reading process", "")
	case opcodes.EvBuffer:
		j.find(formats.RulePickleMalformed, e.Offset, "an out-of-band buffer, which no file has", "")
	}
	if j.opt.Handler != nil && !j.told(e.Offset) {
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
