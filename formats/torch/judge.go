package torch

import (
	"slices"
	"strconv"
	"strings"

	"trustfs/formats"
	"trustfs/formats/pickle"
	"trustfs/opcodes"
)

// judge judges one pickle of the archive and gives the storages it refers to. What the archive's kind explains is taken
// out of the findings, and nothing else.
func (i *inspection) judge(src *formats.Source) *refs {
	c := i.c
	t := &formats.Context{Budget: c.Budget, Presets: c.Presets, Nested: c.Nested, Result: formats.Result{Facts: c.Result.Facts}}
	r := newRefs(t, src)
	explained := map[string]bool{}
	handle := r.handle
	if i.packaged {
		handle = func(m *opcodes.Machine, e *opcodes.Event) {
			if st, ok := packageStorage(m, e); ok {
				explained[src.At(e.Offset)] = true
				r.storage(st)
			}
			r.handle(m, e)
		}
	}
	pickle.Inspect(t, src, pickle.Options{Storage: r.storage, Handler: handle})
	c.Budget, c.Result.Facts = t.Budget, t.Result.Facts
	c.Result.Truncated += t.Result.Truncated
	for _, f := range t.Result.Findings {
		switch {
		case i.layout.script && ownName(f), f.Rule == formats.RulePersistentID && explained[f.Where]:
		case f.Rule == formats.RuleLimitExceeded && t.Stopped():
			c.Exceeded(f.Where, "%s", f.Detail)
		default:
			c.Add(f)
		}
	}
	return r
}

// scriptHelpers are what TorchScript's pickles name beside their own classes: each returns its argument
// (torch/jit/_pickle.py), and torch's C++ reader does not call Python for them.
var scriptHelpers = []string{"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist", "build_tensor_from_id", "restore_type_tag"}

// ownName says that a finding is about a name that TorchScript resolves inside of the archive or to nothing that acts:
// classes below __torch__, which the archive's own code defines and torch compiles, and the helpers above. There is no
// Python module __torch__ that a pickle could import.
func ownName(f formats.Finding) bool {
	if f.Rule != formats.RuleGlobalUnknown && f.Rule != formats.RuleReduce && f.Rule != formats.RuleGlobalDangerous {
		return false
	}
	name := f.Detail
	for _, op := range []string{"NEWOBJ ", "BUILD of "} {
		name = strings.TrimPrefix(name, op)
	}
	if strings.HasPrefix(name, "__torch__.") {
		return f.Rule != formats.RuleGlobalDangerous
	}
	helper, ok := strings.CutPrefix(name, "torch.jit._pickle.")
	if i := strings.IndexByte(helper, '('); i >= 0 {
		helper = helper[:i]
	}
	return ok && slices.Contains(scriptHelpers, helper)
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
