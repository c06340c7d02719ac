package views

import (
	"encoding/binary"
	"io"

	"trustfs/formats"
	"trustfs/formats/torch"
	"trustfs/opcodes"
)

// A legacy is the old torch format: five pickles (magic, protocol, system, object, storage keys), then for each key the
// number of its elements (8 bytes, the writer's order) and their bytes.
type legacy struct {
	r    io.ReaderAt
	size int64
	swap bool

	ids  map[string]persistentID // by key, from the object's persistent ids
	at   map[string]storage
	keys []string
}

func torchLegacy(r io.ReaderAt, size int64) (*Plan, error) {
	l := &legacy{r: r, size: size, ids: map[string]persistentID{}, at: map[string]storage{}}
	object, err := l.preamble()
	if err != nil {
		return nil, err
	}
	keysAt, err := l.collect(object)
	if err != nil {
		return nil, err
	}
	data, err := l.readKeys(keysAt)
	if err != nil {
		return nil, err
	}
	if err := l.placeStorages(data); err != nil {
		return nil, err
	}
	in := l.stream(object)
	var members []Member
	in.storage, in.members = l.storage, &members
	tensors, _, err := interpret(in, "")
	if err != nil {
		return nil, err
	}
	return lay(tensors, members)
}

func (l *legacy) stream(at int64) stream {
	return stream{r: l.r, size: l.size, start: at, readings: opcodes.C3}
}

// isLegacy knows the magic number as every protocol writes it.
func isLegacy(_ []byte, s *formats.Source) bool { return torch.IsLegacy(s) }

// preamble reads the magic number, protocol version and system information, and gives the object's offset.
func (l *legacy) preamble() (int64, error) {
	at := int64(0)
	for range 2 {
		w := &interpreter{in: l.stream(at), path: map[opcodes.Value]bool{}}
		_, end, err := w.run()
		if err != nil {
			return 0, err
		}
		at = end
	}
	info := &interpreter{in: l.stream(at), path: map[opcodes.Value]bool{}}
	v, at, err := info.run()
	if err != nil {
		return 0, err
	}
	b, known := info.m.Get(v, "little_endian")
	little := b.Kind() == opcodes.KindTrue
	l.swap = known && !little
	return at, nil
}

// collect runs the object once for its persistent ids.
func (l *legacy) collect(at int64) (end int64, err error) {
	w := &interpreter{in: l.stream(at), path: map[opcodes.Value]bool{}}
	report := opcodes.Run(l.r, l.size, opcodes.Options{Start: at, Readings: opcodes.C3, Handler: func(m *opcodes.Machine, e *opcodes.Event) {
		w.m = m
		if e.Kind != opcodes.EvPersistent || err != nil || w.classID(e.Args) {
			return
		}
		var p persistentID
		if p, err = w.persistent(e.Args); err != nil {
			return
		}
		if len(l.ids) >= MaxTensors {
			err = limit("", "more than %d storages", MaxTensors)
			return
		}
		if was, again := l.ids[p.key]; again && (was.dtype != p.dtype || was.numel != p.numel) {
			err = limit("", "storage %q in two sizes or types", clip(p.key))
		}
		l.ids[p.key] = p
	}})
	if err != nil {
		return 0, err
	}
	if err := report.Err(opcodes.C3); err != nil {
		return 0, limit("", "the pickle does not load: %v", err)
	}
	return report.Outcomes[0].End, nil
}

// classID says that a persistent id is ("module", class, file, source): a class with its source, which torch compares.
func (w *interpreter) classID(id opcodes.Value) bool {
	parts := w.m.Items(id)
	if id.Kind() != opcodes.KindTuple || len(parts) != 4 {
		return false
	}
	tag, _ := w.m.Str(parts[0])
	return tag == "module"
}

// readKeys reads the list of storage keys, and gives where the storages begin.
func (l *legacy) readKeys(at int64) (int64, error) {
	report := opcodes.Run(l.r, l.size, opcodes.Options{Start: at, Readings: opcodes.C3, Contents: true})
	if err := report.Err(opcodes.C3); err != nil {
		return 0, limit("", "the list of storages does not load: %v", err)
	}
	o, m := report.Outcomes[0], report.Machine
	if o.Value.Kind() != opcodes.KindList || !m.Whole(o.Value) {
		return 0, limit("", "the list of storages is no list")
	}
	if m.Len(o.Value) > MaxTensors {
		return 0, limit("", "more than %d storages are listed", MaxTensors)
	}
	for _, v := range m.Items(o.Value) {
		k, ok := m.Str(v)
		if !ok {
			return 0, limit("", "a storage key that is no string")
		}
		l.keys = append(l.keys, k)
	}
	return o.End, nil
}

// placeStorages walks the storages behind the pickles.
func (l *legacy) placeStorages(at int64) error {
	for _, k := range l.keys {
		p, ok := l.ids[k]
		if _, again := l.at[k]; !ok || again {
			return limit("", "storage %q is listed and not used, or twice", clip(k))
		}
		b := make([]byte, 8)
		if err := readFull(l.r, b, at); err != nil {
			return limit("", "storage %q lies beyond the end of the file", clip(k))
		}
		n := int64(binary.LittleEndian.Uint64(b))
		if l.swap {
			n = int64(binary.BigEndian.Uint64(b))
		}
		size, fits := product(p.numel, p.dtype.Size)
		if n != p.numel || !fits || size > l.size-at-8 {
			return limit("", "storage %q of %d elements, %d stated, beyond the end of the file or not as stated", clip(k), p.numel, n)
		}
		l.at[k] = storage{dtype: p.dtype, typed: p.typed, at: at + 8, bytes: size, swap: l.swap}
		at += 8 + size
	}
	return nil
}

func (l *legacy) storage(w *interpreter, id opcodes.Value) (storage, error) {
	p, err := w.persistent(id)
	if err != nil {
		return storage{}, err
	}
	s, ok := l.at[p.key]
	if !ok {
		return s, limit("", "the file lacks the storage %q", clip(p.key))
	}
	if p.isView {
		s.at += p.viewOffset * p.dtype.Size
		s.bytes = p.viewNumel * p.dtype.Size
	}
	return s, nil
}
