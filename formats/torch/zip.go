package torch

import (
	"path"
	"strings"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/pickle"
)

// Zip is the flavor of zip archives that torch reads.
type Zip struct{}

// Accepts implements archive.Flavor.
func (Zip) Accepts(z *archive.Zip) bool {
	_, ok := layoutOf(z)
	return ok
}

// Inspect implements archive.Flavor.
func (Zip) Inspect(c *formats.Context, s *formats.Source, z *archive.Zip) []*archive.Member {
	l, _ := layoutOf(z)
	c.SetFormat(s, l.format())
	i := &inspection{c: c, z: z, layout: l, size: s.Size}
	for _, m := range l.pickles {
		i.pickle(m, m.Name[:len(m.Name)-len(".pkl")]+"/", "") // data.pkl has data/0, constants.pkl has constants/0
	}
	for _, m := range l.packagePickles(z) {
		root, _, _ := strings.Cut(m.Name, "/")
		i.pickle(m, root+"/.data/", ".storage")
	}
	for _, m := range l.code {
		i.source(m)
	}
	for _, m := range l.debug {
		if src, ok := z.Source(c, m); ok && !c.Stopped() {
			i.judge(src)
			i.done = append(i.done, m)
		}
	}
	i.sources()
	for _, m := range l.native {
		c.Addf(formats.RuleNativeCode, z.Where(m), "code that torch loads with the model")
	}
	return i.done
}

// format names what the archive is to torch.
func (l *layout) format() string {
	switch {
	case l.script:
		return formats.FormatTorchScript
	case l.packaged:
		return formats.FormatTorchPackage
	case l.pt2:
		return formats.FormatPT2
	}
	return formats.FormatPytorchZip
}

// packagePickles are a package's pickles, which lie in any folder under any name that ends in .pkl.
func (l *layout) packagePickles(z *archive.Zip) (out []*archive.Member) {
	if !l.packaged {
		return nil
	}
	for _, m := range z.Members {
		name := strings.ToLower(m.Name)
		if base := path.Base(name); path.Ext(base) == ".pkl" && base != "data.pkl" && base != "constants.pkl" {
			out = append(out, m)
		}
	}
	return out
}

// An inspection is the work on one archive.
type inspection struct {
	c *formats.Context
	z *archive.Zip
	*layout
	done    []*archive.Member
	size    int64  // of the archive
	folder  string // of the storages of the pickle at hand
	indices int64  // bytes of sparse tensors' indices that were read
}

// pickle judges a pickle whose storages are the members folder + key + suffix.
func (i *inspection) pickle(m *archive.Member, folder, suffix string) {
	if i.c.Stopped() {
		return
	}
	src, ok := i.z.Source(i.c, m)
	if !ok {
		if m.Packed == 0 {
			i.c.Addf(formats.RulePickleMalformed, i.z.Where(m), "an empty pickle")
		}
		return
	}
	i.done = append(i.done, m)
	i.folder = folder
	r := i.judge(src)
	if b := make([]byte, 1); src.Size > 0 {
		if _, err := src.R.ReadAt(b, 0); err == nil && b[0] != 0x80 && suspicious(src) {
			i.c.Nested(i.c, src) // it begins like another file: it is judged as that one too
		}
	}
	for _, key := range r.keys {
		i.storage(src, r.byKey[key], strings.ToLower(folder+key+suffix))
	}
}

// storage holds a referenced storage against its member. If all is as torch writes it, the member's bytes are tensors to
// every loader, and only its first bytes are looked at.
func (i *inspection) storage(src *formats.Source, st pickle.Storage, name string) {
	want, known := size(st)
	members := i.layout.storages[name]
	if len(members) == 0 {
		i.c.Addf(formats.RuleFormatMalformed, src.At(st.Offset), "storage %q is not in the archive", st.Key)
		return
	}
	for _, m := range members {
		switch {
		case !known:
		case uint64(m.Size) != want:
			i.c.Addf(formats.RuleFormatMalformed, src.At(st.Offset), "storage %q has %d bytes, %d elements of %s need %d", st.Key, m.Size, st.Numel, st.Class, want)
		case m.Plain():
			i.done = append(i.done, m)
			if raw := i.z.Raw(m); suspicious(raw) {
				archive.Probe(i.c, raw)
			}
		}
	}
}

// source reads a TorchScript source; what is no text is left to the other inspectors.
func (i *inspection) source(m *archive.Member) {
	if i.c.Stopped() {
		return
	}
	if src, ok := i.z.Source(i.c, m); ok && scanScript(i.c, src) {
		i.done = append(i.done, m)
	}
}

// maxSources is how many sources are named, each in a finding: one is enough to convict.
const maxSources = 20

// sources reports Python files that a package's importer runs when a pickle names their module. They are inspected as
// Python by others too.
func (i *inspection) sources() {
	if !i.packaged {
		return
	}
	for n, m := range i.layout.sources {
		if n == maxSources {
			i.c.Addf(formats.RulePythonSource, i.z.Where(m), "and %d more", len(i.layout.sources)-n)
			return
		}
		i.c.Addf(formats.RulePythonSource, i.z.Where(m), "Python source that torch.package runs when it is imported")
	}
}
