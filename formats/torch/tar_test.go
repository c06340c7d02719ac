package torch

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/archive/archivetest"
	"trustfs/formats/pickle"
	"trustfs/testdata/gen"
)

func inspectTar(b []byte) *formats.Context {
	c := (&archivetest.Recorder{}).Context()
	c.Presets = []string{"torch", "numpy", "python"}
	c.Nested = func(c *formats.Context, s *formats.Source) {
		if p := (pickle.Inspector{}); p.Detect(c, s) {
			p.Inspect(c, s)
		}
	}
	i := archive.Tar{Flavors: []archive.TarFlavor{Tar{}}}
	if s := archivetest.Source(b); i.Detect(c, s) {
		i.Inspect(c, s)
	}
	return c
}

// retar writes an archive anew with changed members.
func retar(t testing.TB, b []byte, change func(h *tar.Header, data []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		data = change(h, data)
		if h.Size = int64(len(data)); h.Typeflag != tar.TypeReg {
			h.Size = 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// in changes one member.
func in(member string, change func(data []byte) []byte) func(*tar.Header, []byte) []byte {
	return func(h *tar.Header, data []byte) []byte {
		if h.Name == member {
			return change(data)
		}
		return data
	}
}

func le(ns ...int64) (b []byte) {
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func once(t testing.TB, data, old, with []byte) []byte {
	t.Helper()
	if bytes.Count(data, old) != 1 {
		t.Fatalf("%q occurs %d times", old, bytes.Count(data, old))
	}
	return bytes.Replace(data, old, with, 1)
}

func TestTar(t *testing.T) {
	clean := gen.TorchTar(gen.Tensors(), gen.TarNowhere, "")
	replace := func(member string, old, with []byte) []byte {
		return retar(t, clean, in(member, func(d []byte) []byte { return once(t, d, old, with) }))
	}
	// The first storage holds 128 floats of -4 and more; its tensor is 16 by 8.
	head, sizes := le(128), le(2, 16, 8, 8, 1, 0)
	link := func(h *tar.Header, data []byte) []byte {
		if h.Name == TarStorages {
			h.Typeflag, h.Linkname = tar.TypeLink, "sys_info"
		}
		return data
	}
	folder := func(h *tar.Header, data []byte) []byte {
		if h.Name == "sys_info" {
			h.Typeflag, h.Name = tar.TypeDir, TarStorages+"/"
		}
		return data
	}
	trailing := append(slices.Clone(malformed), formats.RulePickleTrailing)
	for _, tt := range []struct {
		name  string
		data  []byte
		rules []string
		says  string
	}{
		{"clean", clean, nil, ""},
		{"fewer storages than there are", replace(TarStorages, []byte("J\x03\x00\x00\x00."), []byte("J\x02\x00\x00\x00.")), trailing, "expected (key, root, offset, elements)"},
		{"more storages than there are", replace(TarStorages, []byte("J\x03\x00\x00\x00."), []byte("J\x04\x00\x00\x00.")), trailing[:1], "a storage that is"},
		{"a storage longer than the member", replace(TarStorages, head, le(1<<40)), trailing, "bytes left"},
		{"a negative storage", replace(TarStorages, head, le(-1)), trailing, "bytes left"},
		{"a storage whose size overflows", replace(TarStorages, head, le(1<<62)), trailing, "bytes left"},
		{"a class of what is no storage", retar(t, clean, in(TarStorages, func(d []byte) []byte {
			return bytes.Replace(d, []byte("FloatStorage"), []byte("FloatTensor"), 1)
		})), trailing, "no class of torch's storages"},
		{"a tensor beyond its storage", replace(TarTensors, sizes, le(2, 16, 8, 8, 1, 1)), malformed, "outside of its storage"},
		{"a negative size", replace(TarTensors, sizes, le(2, -16, 8, 8, 1, 0)), malformed, "from zero on"},
		{"a negative stride", replace(TarTensors, sizes, le(2, 16, 8, -8, 1, 0)), malformed, "from zero on"},
		{"a negative offset", replace(TarTensors, sizes, le(2, 16, 8, 8, 1, -1)), malformed, "negative offset"},
		{"a shape that overflows", replace(TarTensors, sizes, le(2, 1<<40, 1<<40, 8, 1, 0)), malformed, "2^64"},
		{"too many dimensions", replace(TarTensors, sizes, le(65, 16, 8, 8, 1, 0)), trailing, "65 dimensions"},
		{"a negative number of them", replace(TarTensors, sizes, le(-2, 16, 8, 8, 1, 0)), trailing, "-2 dimensions"},
		{"upper half of the number of dimensions", replace(TarTensors, sizes, le(7<<32|2, 16, 8, 8, 1, 0)), nil, ""},
		{"cut storages", retar(t, clean, in(TarStorages, func(d []byte) []byte { return d[:300] })), trailing, ""},
		{"bytes behind the storages", retar(t, clean, in(TarStorages, func(d []byte) []byte { return append(d, "more"...) })), []string{formats.RulePickleTrailing}, "4 bytes"},
		{"an attack behind the tensors", retar(t, clean, in(TarTensors, func(d []byte) []byte { return append(d, attack...) })),
			[]string{formats.RuleGlobalDangerous, formats.RulePickleTrailing, formats.RuleReduce}, "posix.system"},
		{"an attack as a storage", retar(t, clean, in(TarStorages, func(d []byte) []byte {
			return append(bytes.Clone(d[:bytes.Index(d, head)+8]), append([]byte(attack), d[bytes.Index(d, head)+8+len(attack):]...)...)
		})), []string{formats.RuleGlobalDangerous}, "posix.system"},
		{"storages that lead elsewhere", retar(t, clean, link), malformed, "leads to"},
		{"a folder of that name", retar(t, clean, folder), append([]string{formats.RuleArchiveAmbiguous}, malformed...), "no file"},
		{"a view of another storage", replace(TarStorages, []byte("J\x40\x00\x00\x00J\x40\x00\x00\x00t"), []byte("J\x41\x00\x00\x00J\x40\x00\x00\x00t")), malformed, "outside of it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := inspectTar(tt.data)
			expect(t, c, tt.rules, tt.says)
			if c.Result.Format != formats.FormatPytorchTar {
				t.Errorf("format %q", c.Result.Format)
			}
		})
	}
	c := inspectTar(clean)
	if f := c.Result.Facts; f.Tensors != 4 || f.Parameters != 128+64+8+64 || !slices.Equal(f.Dtypes, []string{"float32"}) {
		t.Errorf("facts %+v", f)
	}
}

// Every pickle that torch.load loads is judged, wherever it lies.
func TestTarPickles(t *testing.T) {
	for _, place := range []string{gen.TarInPickle, gen.TarInStorage, gen.TarInViews, gen.TarInTensor, gen.TarInFirstCount} {
		c := inspectTar(gen.TorchTar(gen.Tensors(), place, "/marker"))
		if got := archivetest.Rules(c); !slices.Contains(got, formats.RuleGlobalDangerous) || !slices.Contains(got, formats.RuleReduce) {
			t.Errorf("%s: %v", place, c.Result.Findings)
		}
	}
}

// What is no key of torch's is as unknown as in any pickle.
func TestTarPersistentIDs(t *testing.T) {
	clean := gen.TorchTar(gen.Tensors(), gen.TarNowhere, "")
	for id, ok := range map[string]bool{"139642271694848": true, "-5": true, "storage": false, "1e5": false, "": false} {
		changed := retar(t, clean, in(TarPickle, func([]byte) []byte { return []byte("\x80\x02" + text(id) + "Q.") }))
		var want []string
		if !ok {
			want = []string{formats.RulePersistentID}
		}
		expect(t, inspectTar(changed), want, "")
	}
	elsewhere := retar(t, clean, func(h *tar.Header, d []byte) []byte { // no torch reads this archive
		h.Name = strings.Replace(h.Name, TarStorages, "stores", 1)
		return d
	})
	if got := archivetest.Rules(inspectTar(elsewhere)); !slices.Contains(got, formats.RulePersistentID) {
		t.Errorf("found %v", got)
	}
}
