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
	if w := j.storageWord; w == 0 || items[0] != w { // a literal is what it is, and all ids of a file begin with the same one
		if !m.Is(items[0], "storage") {
			return Storage{}, false
		}
		j.storageWord = items[0]
	}
	if j.opt.Storage == nil { // nobody asks for it
		return Storage{}, class.allowed() && class.verdict.Preset == "torch" && isText(m, items[2], 256) && j.isLocation(m, items[3])
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

// isLocation says that v is a short text, once for the one that all storages of a file share.
func (j *judge) isLocation(m *opcodes.Machine, v opcodes.Value) bool {
	if j.location == 0 || v != j.location {
		if !isText(m, v, 64) {
			return false
		}
		j.location = v
	}
	return true
}
