package views

import (
	"io"
	"strconv"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/torch"
	"trustfs/opcodes"
)

// A tarFile is a tar archive of torch.save until 0.1.9: storages and tensors have members of their own, and the object
// refers to them by keys.
type tarFile struct {
	s        *formats.Source
	members  map[string]archive.TarMember
	storages map[int64]torch.TarStorage // offsets in the source
	tensors  map[int64]torch.TarTensor
}

func isTar(_ []byte, s *formats.Source) bool { return archive.IsTar(s) }

// torchTar reads what torch.load's legacy_load reads. sys_info, and with it the byte order, torch never looks at.
func torchTar(r io.ReaderAt, size int64) (*Plan, error) {
	f := &tarFile{s: &formats.Source{R: r, Size: size}, storages: map[int64]torch.TarStorage{}, tensors: map[int64]torch.TarTensor{}}
	if err := f.open(); err != nil {
		return nil, err
	}
	if err := f.readStorages(); err != nil {
		return nil, err
	}
	if err := f.readTensors(); err != nil {
		return nil, err
	}
	object := f.members[torch.TarPickle]
	var texts []Member
	in := stream{r: io.NewSectionReader(r, object.Start, object.Size), size: object.Size, base: object.Start, readings: opcodes.C3, tensor: f.tensor, members: &texts}
	tensors, _, err := interpret(in, "")
	if err != nil {
		return nil, err
	}
	return lay(tensors, texts)
}

// open finds the members. An archive that readers could see differently has no view.
func (f *tarFile) open() error {
	c := &formats.Context{Budget: formats.DefaultBudget(), Nested: func(*formats.Context, *formats.Source) {}}
	archive.Tar{}.Inspect(c, f.s)
	if found := c.Result.Findings; len(found) > 0 {
		return limit("", "the archive is not plain: %s %s %s", found[0].Rule, found[0].Where, found[0].Detail)
	}
	members, err := archive.TarMembers(f.s)
	if err != nil {
		return limit("", "the archive: %v", err)
	}
	f.members = map[string]archive.TarMember{}
	for _, m := range members {
		if m.Regular {
			f.members[m.Name] = m
		}
	}
	for _, name := range []string{torch.TarStorages, torch.TarTensors, torch.TarPickle} {
		if _, ok := f.members[name]; !ok {
			return limit("", "a tar archive without the file %q is none of torch's", name)
		}
	}
	return nil
}

func (f *tarFile) member(name string) *formats.Source {
	m := f.members[name]
	return &formats.Source{R: io.NewSectionReader(f.s.R, m.Start, m.Size), Size: m.Size}
}

func (f *tarFile) readStorages() error {
	start := f.members[torch.TarStorages].Start
	add := func(st torch.TarStorage) error {
		if _, again := f.storages[st.Key]; again {
			return limit("", "storage %d comes twice", st.Key)
		}
		if len(f.storages) >= MaxTensors {
			return limit("", "more than %d storages and views of them", MaxTensors)
		}
		f.storages[st.Key] = st
		return nil
	}
	views, _, err := torch.ReadTarStorages(f.member(torch.TarStorages), nil, func(st torch.TarStorage) error {
		st.At += start
		return add(st)
	})
	for i := 0; i < len(views) && err == nil; i++ {
		var st torch.TarStorage
		if st, err = views[i].In(f.storages); err == nil {
			err = add(st)
		}
	}
	return asLimit(err)
}

func (f *tarFile) readTensors() error {
	_, err := torch.ReadTarTensors(f.member(torch.TarTensors), nil, func(x torch.TarTensor) error {
		f.tensors[x.Key] = x // of a key that comes twice, and is no storage's, the last one counts
		return nil
	})
	return asLimit(err)
}

func asLimit(err error) error {
	if _, ok := err.(*LimitError); ok || err == nil {
		return err
	}
	return limit("", "%v", err)
}

// tensor finds what a persistent id names: a tensor, or else a storage or a class, which are shown by no name.
func (f *tarFile) tensor(w *interpreter, id opcodes.Value) (t Tensor, ok bool, err error) {
	text, isText := w.m.Str(id)
	key, notKey := strconv.ParseInt(text, 10, 64)
	if !isText || notKey != nil {
		return t, false, nil
	}
	x, ok := f.tensors[key]
	if !ok {
		if _, known := f.storages[key]; known {
			return t, false, nil
		}
		return t, false, limit("", "the archive lacks the tensor %d", key)
	}
	st, ok := f.storages[x.Storage]
	if !ok {
		return t, false, limit("", "the archive lacks the storage %d", x.Storage)
	}
	s := storage{typed: true, at: st.At, bytes: st.Size}
	if s.dtype, err = storageType(st.Class); err != nil {
		return t, false, err
	}
	t.Dtype, t.Shape, t.Strides = s.dtype, x.Shape, x.Strides
	return t, true, t.place(s, x.Offset)
}
