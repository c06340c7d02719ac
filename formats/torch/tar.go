package torch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/pickle"
	"trustfs/opcodes"
)

// Tar is the flavor of tar archives that torch wrote until 0.1.9 and torch.load still reads.
type Tar struct{}

// Open implements archive.TarFlavor. torch.load has loaded the pickles of storages before it misses any other member, so
// that name alone says what reads the archive. Of members with one name it takes the last.
func (Tar) Open(c *formats.Context, s *formats.Source, members []archive.TarMember) archive.TarReader {
	found := map[string]archive.TarMember{}
	for _, m := range members {
		found[m.Name] = m
	}
	if _, ok := found[TarStorages]; !ok {
		return nil
	}
	for _, m := range members { // tarfile takes a folder's name without its last slash
		name := strings.TrimRight(m.Name, "/")
		if !m.Regular && (name == TarStorages || name == TarTensors || name == TarPickle) {
			c.Addf(formats.RuleFormatMalformed, s.Key(name), "the member is no file: torch reads what it leads to")
		}
	}
	r := &tarReader{sizes: map[int64]TarStorage{}}
	if m := found[TarStorages]; m.Regular && m.Start+m.Size <= s.Size {
		views, _, err := ReadTarStorages(&formats.Source{R: io.NewSectionReader(s.R, m.Start, m.Size), Size: m.Size}, nil, r.add)
		for n := 0; n < len(views) && err == nil; n++ {
			err = r.view(views[n])
		} // errors are found where the member is judged
	}
	return r
}

// A tarReader is the work on one archive: its storages by key, views of others among them.
type tarReader struct{ sizes map[int64]TarStorage }

func (r *tarReader) add(st TarStorage) error {
	if _, again := r.sizes[st.Key]; again {
		return fmt.Errorf("storage %d comes twice", st.Key)
	}
	r.sizes[st.Key] = st
	return nil
}

func (r *tarReader) view(v TarView) error {
	st, err := v.In(r.sizes)
	if err == nil {
		r.sizes[v.Key] = st
	}
	return err
}

// Member implements archive.TarReader.
func (r *tarReader) Member(c *formats.Context, s *formats.Source, name string) bool {
	switch name {
	case TarPickle:
		judgeTarPickle(c, s)
		return true
	case TarStorages, TarTensors:
		if !startsWithCount(s) {
			return false // torch ends at its first pickle, which is judged as any file's
		}
	default:
		return false
	}
	i := &tarInspection{c: c, s: s, all: r.sizes}
	var end int64
	var err error
	if name == TarStorages {
		end, err = i.storages()
	} else {
		end, err = ReadTarTensors(s, i.judge, i.tensor)
	}
	i.rest(end, err)
	return true
}

// startsWithCount looks whether the member begins as torch's does, before anything is judged.
func startsWithCount(s *formats.Source) bool {
	b := opcodes.Budget{Opcodes: 1000, Entries: 1000, StringBytes: 1 << 16, Words: 1 << 16}
	rep := opcodes.Run(s.R, s.Size, opcodes.Options{Readings: opcodes.Python3, Contents: true, Budget: b})
	return len(rep.Outcomes) == 1 && rep.Outcomes[0].Err == nil && rep.Outcomes[0].Value.Kind() == opcodes.KindInt
}

// A tarInspection is the work on one member of pickles with raw bytes between them.
type tarInspection struct {
	c   *formats.Context
	s   *formats.Source
	all map[int64]TarStorage
}

var errStopped = errors.New("the analysis stopped")

func (i *tarInspection) stopped() error {
	if i.c.Stopped() {
		return errStopped
	}
	return nil
}

// judge judges the one pickle at an offset and gives where it ends for the reader that gets furthest.
func (i *tarInspection) judge(at int64) (int64, error) {
	out := pickle.Inspect(i.c, i.s, pickle.Options{Start: at, LeaveRest: true})
	if err := i.stopped(); err != nil {
		return out.End, err
	}
	return out.End, out.Err
}

func (i *tarInspection) storages() (end int64, err error) {
	again := &tarReader{sizes: map[int64]TarStorage{}}
	views, end, err := ReadTarStorages(i.s, i.judge, func(st TarStorage) error {
		raw := &formats.Source{R: io.NewSectionReader(i.s.R, st.At, st.Size), Size: st.Size, Where: i.s.At(st.At), Depth: i.s.Depth + 1}
		if st.Size > 0 && suspicious(raw) {
			archive.Probe(i.c, raw)
		}
		return cmp.Or(again.add(st), i.stopped())
	})
	for n := 0; n < len(views) && err == nil; n++ {
		err = again.view(views[n])
	}
	return end, err
}

// tensor holds a tensor against its storage.
func (i *tarInspection) tensor(x TarTensor) error {
	st, ok := i.all[x.Storage]
	if !ok {
		i.c.Addf(formats.RuleFormatMalformed, i.s.At(x.At), "tensor %d lies in storage %d, which is not in the archive", x.Key, x.Storage)
		return i.stopped()
	}
	count, why := reach(x.Offset, x.Shape, x.Strides, uint64(st.Numel))
	if why != "" {
		i.c.Addf(formats.RuleFormatMalformed, i.s.At(x.At), "tensor: %s", why)
		return i.stopped()
	}
	i.c.Result.Facts.Tensors++
	i.c.Result.Facts.Parameters = saturate(i.c.Result.Facts.Parameters, count)
	if e, known := elementOf(st.Class); known {
		i.c.Dtype(e.dtype)
	}
	return i.stopped()
}

// rest says where the reading broke, and hands on what it does not account for.
func (i *tarInspection) rest(end int64, err error) {
	if i.c.Stopped() {
		return
	}
	if err != nil {
		i.c.Addf(formats.RuleFormatMalformed, i.s.At(end), "%v", err)
	}
	if n := i.s.Size - end; n > 0 {
		i.c.Addf(formats.RulePickleTrailing, i.s.At(end), "%d bytes that no pickle, storage or tensor accounts for", n)
		i.c.Nested(i.c, &formats.Source{R: io.NewSectionReader(i.s.R, end, n), Size: n, Names: i.s.Names, Where: i.s.At(end), Depth: i.s.Depth + 1})
	}
}

// judgeTarPickle judges the member that holds the object: a pickle whose persistent ids are the keys of tensors and
// storages, as text.
func judgeTarPickle(c *formats.Context, s *formats.Source) {
	t := &formats.Context{Budget: c.Budget, Presets: c.Presets, Nested: c.Nested, Result: formats.Result{Facts: c.Result.Facts}}
	known := explanations{}
	pickle.Inspect(t, s, pickle.Options{Handler: func(m *opcodes.Machine, e *opcodes.Event) {
		if e.Kind == opcodes.EvPersistent {
			known.note(formats.RulePersistentID, s.At(e.Offset), tarKey(m, e.Args))
		}
	}})
	known.merge(c, t)
	b := make([]byte, 1)
	if _, err := s.R.ReadAt(b, 0); err == nil && b[0] != 0x80 && suspicious(s) && !c.Stopped() {
		c.Nested(c, s) // it begins like another file: it is judged as that one too
	}
}

// tarKey says that a persistent id is what torch makes a number of and looks up among tensors and storages.
func tarKey(m *opcodes.Machine, id opcodes.Value) bool {
	text, ok := m.Str(id)
	if !ok {
		return false
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}
