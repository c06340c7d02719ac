package torch

import (
	"strconv"
	"strings"

	"trustfs/formats"
	"trustfs/formats/pickle"
	"trustfs/opcodes"
)

// judge judges one pickle of the archive and gives the storages it refers to.
func (i *inspection) judge(src *formats.Source) *refs {
	c := i.c
	t := &formats.Context{Budget: c.Budget, Presets: c.Presets, Nested: c.Nested, Result: formats.Result{Facts: c.Result.Facts}}
	r := newRefs(t, src)
	known := explanations{}
	sparse, sound := []string(nil), true
	pickle.Inspect(t, src, pickle.Options{Storage: r.storage, Handler: func(m *opcodes.Machine, e *opcodes.Event) {
		switch {
		case e.Kind == opcodes.EvCall && sparseCall(m, e):
			if sound = sound && len(sparse) < maxSparse && i.sparse(m, e) == nil; sound {
				sparse = append(sparse, src.At(e.Offset))
			}
		case e.Kind == opcodes.EvPersistent && i.packaged:
			st, ok := packageStorage(m, e)
			known.note(formats.RulePersistentID, src.At(e.Offset), ok)
			if ok {
				r.storage(st)
			}
		case i.layout.script:
			known.script(m, e, src.At(e.Offset))
		}
		r.handle(m, e)
	}})
	for _, where := range sparse { // calls that read alike are found once: one unsound among them leaves them all unexplained
		known.note(formats.RuleReduce, where, sound)
	}
	known.merge(c, t)
	return r
}

// An explanation is a finding's rule and place. A pickle's own inspector knows nothing of the archive around it; what it
// finds is left out only where the event at that place, in every reading, is one that the archive's kind explains.
type explanation struct{ rule, where string }

type explanations map[explanation]bool

// note says whether one event is explained; one that is not stands, whatever others at the same place are.
func (x explanations) note(rule, where string, ok bool) {
	before, seen := x[explanation{rule, where}]
	x[explanation{rule, where}] = ok && (before || !seen)
}

// merge takes over into c what was found with t, except what is explained.
func (x explanations) merge(c, t *formats.Context) {
	c.Budget, c.Result.Facts = t.Budget, t.Result.Facts
	c.Result.Truncated += t.Result.Truncated
	for _, f := range t.Result.Findings {
		switch {
		case x[explanation{f.Rule, f.Where}]:
		case f.Rule == formats.RuleLimitExceeded && t.Stopped():
			c.Exceeded(f.Where, "%s", f.Detail)
		default:
			c.Add(f)
		}
	}
}

// script explains what only torch's C++ reader of TorchScript gives a meaning to: classes below __torch__, which the
// archive's own code defines and torch compiles, and their objects. There is no Python module __torch__: a reader in
// Python ends where it meets the first such name, so nothing that is made from one exists in it. Everything else such a
// pickle names, torch.jit._pickle's functions too, Python imports and calls, and it is judged as in any pickle.
func (x explanations) script(m *opcodes.Machine, e *opcodes.Event, where string) {
	switch e.Kind {
	case opcodes.EvGlobal:
		x.note(formats.RuleGlobalUnknown, where, ownClass(e.Global))
	case opcodes.EvCall:
		x.note(formats.RuleReduce, where, ownClass(m.Global(e.Object)))
	case opcodes.EvBuild:
		var class opcodes.Value
		if e.Object.Kind() == opcodes.KindCall {
			class, _, _ = m.Call(e.Object)
		}
		x.note(formats.RuleReduce, where, ownClass(m.Global(class)))
	}
}

// ownClass says that every reader takes g for a class of the archive's code.
func ownClass(g *opcodes.Global) bool {
	own := g != nil && len(g.Names) > 0
	for n := 0; own && n < len(g.Names); n++ {
		module, _, _ := strings.Cut(g.Names[n].Module, ".")
		own = module == "__torch__"
	}
	return own
}

// packageStorage reads a persistent id of torch.package, whose keys are numbers where torch.save has strings.
func packageStorage(m *opcodes.Machine, e *opcodes.Event) (pickle.Storage, bool) {
	if e.Kind != opcodes.EvPersistent || e.Args.Kind() != opcodes.KindTuple {
		return pickle.Storage{}, false
	}
	items := m.Items(e.Args)
	if len(items) != 5 {
		return pickle.Storage{}, false
	}
	tag, ok1 := m.Str(items[0])
	class := m.Global(items[1])
	key, ok2 := m.Int(items[2])
	_, ok3 := m.Str(items[3])
	numel, ok4 := m.Int(items[4])
	if !ok1 || !ok2 || !ok3 || !ok4 || tag != "storage" || class == nil {
		return pickle.Storage{}, false
	}
	name := class.Module + ":" + class.Name
	if _, ok := elementOf(name); !ok {
		return pickle.Storage{}, false
	}
	return pickle.Storage{Class: name, Key: strconv.FormatInt(key, 10), Numel: numel, Offset: e.Offset}, true
}
