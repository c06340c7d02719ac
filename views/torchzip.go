package views

import (
	"fmt"
	"strings"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/opcodes"
)

// A zipSource is a zip archive that every reader reads alike: torch takes records by way of miniz, Python by way of the
// central directory, newer torch by computed offsets; where they could disagree there is no view.
type zipSource struct {
	zip     *archive.Zip
	ctx     *formats.Context
	by      map[string]*archive.Member
	members []Member // compressed ones that tensors lie in
	index   map[string]int
	arrays  bool // zipfile reads the members, and not torch's miniz, which knows deflate alone
}

func openZip(s *formats.Source) (*zipSource, error) {
	c := &formats.Context{Budget: formats.DefaultBudget(), Nested: func(*formats.Context, *formats.Source) {}}
	z := &zipSource{zip: archive.ReadZip(c, s), ctx: c, by: map[string]*archive.Member{}, index: map[string]int{}}
	if err := z.unambiguous(); err != nil {
		return nil, err
	}
	for _, m := range z.zip.Members {
		if _, again := z.by[m.Name]; again || !m.Central {
			return nil, limit("", "the archive holds %q in two readings", clip(m.Name))
		}
		z.by[m.Name] = m
	}
	return z, nil
}

// unambiguous refuses what the archive's inspection found so far.
func (z *zipSource) unambiguous() error {
	if f := z.ctx.Result.Findings; len(f) > 0 {
		return limit("", "the archive is not plain: %s %s %s", f[0].Rule, f[0].Where, f[0].Detail)
	}
	return nil
}

// place gives where a member's bytes lie: in the source as they are, or in a compressed member.
func (z *zipSource) place(m *archive.Member) (at int64, member int, err error) {
	if m.Plain() {
		return m.Start, 0, nil
	}
	packed, err := z.packed(m)
	if err != nil {
		return 0, 0, named(m.Name, err)
	}
	i, ok := z.index[m.Name]
	if !ok {
		z.members = append(z.members, packed)
		i = len(z.members)
		z.index[m.Name] = i
	}
	return 0, i, nil
}

// packed describes a compressed member. What would not be inflated later is refused now.
func (z *zipSource) packed(m *archive.Member) (Member, error) {
	method, err := m.Packing()
	if err == nil && !z.arrays && method != archive.PackedDeflate {
		err = fmt.Errorf("compressed by %s: torch reads stored and deflated members only", method)
	}
	if err != nil {
		return Member{}, limit("", "%v", err)
	}
	p := Member{Offset: m.Start, Packed: m.Packed, Size: m.Size, Method: method, CRC: m.CRC}
	if p.Packed < 1 || p.Size < 0 || p.Offset < 0 {
		return p, limit("", "a compressed member of %d bytes that should inflate to %d", p.Packed, p.Size)
	}
	if !p.plausible() {
		return p, limit("", "ratio: %d compressed bytes should inflate to %d, more than %d for each", p.Packed, p.Size, MaxRatio)
	}
	return p, nil
}

// stream opens a member as a pickle.
func (z *zipSource) stream(m *archive.Member) (stream, error) {
	src, ok := z.zip.Source(z.ctx, m)
	if err := z.unambiguous(); err != nil {
		return stream{}, err
	}
	if !ok {
		return stream{}, limit("", "%s cannot be read", clip(m.Name))
	}
	at, member, err := z.place(m)
	return stream{r: src.R, size: src.Size, base: at, member: member, readings: opcodes.C3}, err
}

// text reads a small member whole.
func (z *zipSource) text(name string) (string, bool) {
	m := z.by[name]
	if m == nil || m.Size > 4096 {
		return "", false
	}
	src, ok := z.zip.Source(z.ctx, m)
	if !ok {
		return "", false
	}
	b := make([]byte, src.Size)
	if err := readFull(src.R, b, 0); err != nil {
		return "", false
	}
	return string(b), true
}

// torchZip reads what torch.save writes since 1.6: <folder>/data.pkl, and storages in <folder>/data/<key>.
func torchZip(z *zipSource) (*Plan, error) {
	folder, err := z.torchFolder()
	if err != nil {
		return nil, err
	}
	in, err := z.stream(z.by[folder+"data.pkl"])
	if err != nil {
		return nil, err
	}
	if err := z.spelled(folder); err != nil {
		return nil, err
	}
	swap := false
	if order, ok := z.text(folder + "byteorder"); ok && order != "little" {
		if order != "big" {
			return nil, limit("", "byteorder is %q", clip(order))
		}
		swap = true
	}
	in.storage = func(w *interpreter, id opcodes.Value) (storage, error) {
		p, err := w.persistent(id)
		if err != nil {
			return storage{}, err
		}
		m := z.by[folder+"data/"+p.key]
		if m == nil {
			return storage{}, limit("", "the archive lacks the storage %q", clip(p.key))
		}
		s := storage{dtype: p.dtype, typed: p.typed, swap: swap}
		if s.at, s.member, err = z.place(m); err != nil {
			return s, err
		}
		want, ok := product(p.numel, p.dtype.Size)
		if !ok || want > m.Size {
			return s, limit("", "storage %q of %d elements in a member of %d bytes", clip(p.key), p.numel, m.Size)
		}
		s.bytes = want
		return s, nil
	}
	in.members = &z.members
	tensors, _, err := interpret(in, "")
	if err != nil {
		return nil, err
	}
	return lay(tensors, z.members)
}

// spelled refuses a byte order under a name that torch, which looks names up without case, would find.
func (z *zipSource) spelled(folder string) error {
	for name := range z.by {
		if strings.EqualFold(name, folder+"byteorder") && name != folder+"byteorder" {
			return limit("", "byteorder is spelled in another case, which torch does not see")
		}
	}
	return nil
}

// torchFolder finds the one folder that holds data.pkl.
func (z *zipSource) torchFolder() (string, error) {
	var folder string
	found := 0
	for name := range z.by {
		dir, base, ok := strings.Cut(name, "/")
		if ok && base == "data.pkl" {
			folder, found = dir+"/", found+1
		}
		if ok && (base == "constants.pkl" || strings.HasPrefix(base, "code/")) {
			return "", limit("", "TorchScript: its tensors belong to its code")
		}
	}
	if found != 1 {
		return "", limit("", "%d members are called data.pkl, expected one", found)
	}
	if first, _, _ := strings.Cut(z.zip.Members[0].Name, "/"); first+"/" != folder {
		return "", limit("", "data.pkl lies in %q, the archive begins with %q, where torch looks for it", clip(folder), clip(first))
	}
	return folder, nil
}

// A persistentID is ('storage', storage_type, key, location, numel), with a view's (key, offset, numel) in older files.
type persistentID struct {
	dtype      Dtype
	typed      bool
	key        string
	numel      int64
	viewOffset int64 // elements
	viewNumel  int64
	isView     bool
}

func (w *interpreter) persistent(id opcodes.Value) (p persistentID, err error) {
	parts := w.m.Items(id)
	if id.Kind() != opcodes.KindTuple || len(parts) < 5 || len(parts) > 6 {
		return p, limit("", "a persistent id that is no torch storage")
	}
	if tag, _ := w.m.Str(parts[0]); tag != "storage" {
		return p, limit("", "a persistent id that is no torch storage")
	}
	if p.dtype, p.typed, err = w.storageDtype(parts[1]); err != nil {
		return p, err
	}
	var okKey, okNumel bool
	p.key, okKey = w.m.Str(parts[2])
	p.numel, okNumel = w.m.Int(parts[4])
	if !okKey || !okNumel || p.numel < 0 {
		return p, limit("", "a torch storage without key or size")
	}
	if len(parts) == 6 && parts[5].Kind() != opcodes.KindNone {
		return w.viewMetadata(p, parts[5])
	}
	return p, nil
}

func (w *interpreter) viewMetadata(p persistentID, v opcodes.Value) (persistentID, error) {
	view := w.m.Items(v)
	if len(view) != 3 {
		return p, limit("", "a view of a storage with %d parts", len(view))
	}
	var ok1, ok2 bool
	p.viewOffset, ok1 = w.m.Int(view[1])
	p.viewNumel, ok2 = w.m.Int(view[2])
	p.isView = true
	if !ok1 || !ok2 || p.viewOffset < 0 || p.viewNumel < 0 || p.viewOffset > p.numel || p.viewNumel > p.numel-p.viewOffset {
		return p, limit("", "a view beyond its storage")
	}
	return p, nil
}

// lay makes the Plan, with the metadata that transformers asks for.
func lay(tensors []Tensor, members []Member) (*Plan, error) {
	if len(tensors) == 0 {
		return nil, limit("", "it holds no tensor")
	}
	p, err := Lay(tensors, map[string]string{"format": "pt"}, members)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return p, nil
}
