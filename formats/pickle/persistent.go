package pickle

import (
	"strings"

	"trustfs/formats"
	"trustfs/opcodes"
)

// persistent judges a persistent id, which the loader's own persistent_load turns into an object. Known are torch's:
// ("storage", class, key, location, elements[, view]) and, in files of old versions, ("module", class, file, source).
func (j *judge) persistent(m *opcodes.Machine, e *opcodes.Event) {
	if j.namesStorage(m, e.Args) {
		m.Note(e.Result) // many tensors share a storage, and the machine forgets ids
	}
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

// namesStorage says that an id is a storage's to every loader.
func (j *judge) namesStorage(m *opcodes.Machine, id opcodes.Value) bool {
	items := m.Items(id)
	return id.Kind() == opcodes.KindTuple && (len(items) == 5 || len(items) == 6) && j.isStorageWord(m, items[0]) && j.nameOf(m, items[1]).storageClass()
}

// storage reads a persistent id as a torch storage.
func (j *judge) storage(m *opcodes.Machine, e *opcodes.Event) (Storage, bool) {
	items := m.Items(e.Args)
	if e.Args.Kind() != opcodes.KindTuple || len(items) < 5 || len(items) > 6 {
		return Storage{}, false
	}
	class := j.nameOf(m, items[1])
	if !j.isStorageWord(m, items[0]) {
		return Storage{}, false
	}
	if j.opt.Storage == nil { // nobody asks for it
		return Storage{}, class.storageClass() && isText(m, items[2], 256) && j.isLocation(m, items[3])
	}
	key, ok1 := text(m, items[2], 256)
	location, ok2 := text(m, items[3], 64)
	if !class.storageClass() || !ok1 || !ok2 {
		return Storage{}, false
	}
	numel, ok := m.Int(items[4])
	if !ok {
		numel = -1
	}
	return Storage{Class: globalOf(m, items[1]).Names[0].String(), Key: key, Location: location, Numel: numel, Offset: e.Offset}, true
}

// isStorageWord says that v is "storage", once for the literal that all ids of a file begin with.
func (j *judge) isStorageWord(m *opcodes.Machine, v opcodes.Value) bool {
	if w := j.storageWord; w == 0 || v != w {
		if !m.Is(v, "storage") {
			return false
		}
		j.storageWord = v
	}
	return true
}

// storageClass says that n is one of torch's classes of storages. Loaders before torch 1.6 call it with a size.
func (n *name) storageClass() bool {
	return n.allowed() && n.verdict.Preset == "torch" && strings.HasSuffix(n.text, "Storage")
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
