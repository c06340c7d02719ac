package pickle

import (
	"trustfs/formats"
	"trustfs/opcodes"
)

// persistent judges a persistent id, which the loader's own persistent_load turns into an object. Known are torch's:
// ("storage", class, key, location, elements[, view]) and, in files of old versions, ("module", class, file, source).
func (j *judge) persistent(m *opcodes.Machine, e *opcodes.Event) {
	if storage, ok := j.storage(m, e); ok {
		if j.opt.Storage != nil && !j.told(e.Offset) {
			j.opt.Storage(storage)
		}
		return
	}
	if _, ok := sourceID(m, e.Args); ok {
		return // torch compares the source with the class's own and warns
	}
	j.find(formats.RulePersistentID, e.Offset, "not a torch storage: "+render(m, e.Args, 200), "")
}

// storage reads a persistent id as a torch storage.
func (j *judge) storage(m *opcodes.Machine, e *opcodes.Event) (Storage, bool) {
	items := m.Items(e.Args)
	if e.Args.Kind() != opcodes.KindTuple || len(items) < 5 || len(items) > 6 {
		return Storage{}, false
	}
	class := j.nameOf(m, items[1])
	if !m.Is(items[0], "storage") {
		return Storage{}, false
	}
	if j.opt.Storage == nil { // nobody asks for it
		return Storage{}, class.allowed() && class.verdict.Preset == "torch" && isText(m, items[2], 256) && isText(m, items[3], 64)
	}
	key, ok1 := text(m, items[2], 256)
	location, ok2 := text(m, items[3], 64)
	if !class.allowed() || class.verdict.Preset != "torch" || !ok1 || !ok2 {
		return Storage{}, false
	}
	numel, ok := m.Int(items[4])
	if !ok {
		numel = -1
	}
	return Storage{Class: globalOf(m, items[1]).Names[0].String(), Key: key, Location: location, Numel: numel, Offset: e.Offset}, true
}
