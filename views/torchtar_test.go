package views

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"testing"

	"trustfs/testdata/gen"
)

// shownBy reads every tensor of a source's view.
func shownBy(t testing.TB, source []byte) map[string][]byte {
	t.Helper()
	p, err := build(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(int64(len(source))); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(p, bytes.NewReader(source), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(whole)
	var header map[string]struct {
		Dtype   string
		Shape   []int
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(whole[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for name, e := range header {
		if name != "__metadata__" {
			out[name] = whole[8+n:][e.Offsets[0]:e.Offsets[1]]
		}
	}
	return out
}

func TestTarIsShown(t *testing.T) {
	tensors := gen.Tensors()
	for _, place := range []string{gen.TarNowhere, gen.TarInPickle, gen.TarInTensor, gen.TarInViews} {
		source := gen.TorchTar(tensors, place, "/marker")
		if place == gen.TarInTensor || place == gen.TarInViews { // the call stands where torch wants something else
			if _, err := build(source); err == nil {
				t.Errorf("%s: shown", place)
			}
			continue
		}
		got := shownBy(t, source)
		if len(got) != len(tensors)+1 || !bytes.Equal(got["tail"], tensors[0].Bytes()[4*64:]) {
			t.Errorf("%q: %d tensors, tail %x", place, len(got), got["tail"])
		}
		for _, x := range tensors {
			if !bytes.Equal(got[x.Name], x.Bytes()) {
				t.Errorf("%q: %s has other bytes", place, x.Name)
			}
		}
	}
}

// tarred writes an archive anew with changed members; nil removes one.
func tarred(t testing.TB, source []byte, change func(name string, data []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(bytes.NewReader(source)); ; {
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
		if data = change(h.Name, data); data == nil {
			continue
		}
		h.Size = int64(len(data))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func little(ns ...int64) (b []byte) {
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// hostileTars are archives that must give no view, with a word of the reason.
func hostileTars(t testing.TB) map[string]struct {
	source []byte
	reason string
} {
	clean := gen.TorchTar(gen.Tensors(), gen.TarNowhere, "")
	with := func(member string, old, with []byte) []byte {
		return tarred(t, clean, func(name string, data []byte) []byte {
			if name != member {
				return data
			}
			if !bytes.Contains(data, old) {
				t.Fatalf("%s has no %q", member, old)
			}
			return bytes.Replace(data, old, with, 1)
		})
	}
	without := func(member string) []byte {
		return tarred(t, clean, func(name string, data []byte) []byte {
			if name == member {
				return nil
			}
			return data
		})
	}
	sizes := little(2, 16, 8, 8, 1, 0)
	key := func(i int64) []byte { return append([]byte{0x8a, 8}, little(i)...) }
	const first = 0x7f0012345600
	return map[string]struct {
		source []byte
		reason string
	}{
		"tar: storage beyond the member":   {with("storages", little(128), little(1<<40)), "bytes left"},
		"tar: storage that overflows":      {with("storages", little(128), little(1<<62)), "bytes left"},
		"tar: negative storage":            {with("storages", little(128), little(-128)), "bytes left"},
		"tar: storage twice":               {with("storages", key(first+64+32), key(first+32)), "comes twice"},
		"tar: quantised storage":           {with("storages", []byte("FloatStorage"), []byte("QInt32Storage")), "QInt32Storage has no safetensors type"},
		"tar: tensor beyond its storage":   {with("tensors", sizes, little(2, 16, 9, 8, 1, 0)), "of a storage that has 128"},
		"tar: negative size":               {with("tensors", sizes, little(2, -16, 8, 8, 1, 0)), "negative size"},
		"tar: negative stride":             {with("tensors", sizes, little(2, 16, 8, -8, 1, 0)), "negative stride"},
		"tar: negative offset":             {with("tensors", sizes, little(2, 16, 8, 8, 1, -1)), "of a storage that has 128"},
		"tar: shape that overflows":        {with("tensors", sizes, little(2, 1<<40, 1<<40, 1<<40, 1, 0)), "overflow"},
		"tar: many dimensions":             {with("tensors", sizes, little(1<<30, 16, 8, 8, 1, 0)), "dimensions"},
		"tar: tensor of no storage":        {with("tensors", key(first+32), key(first+33)), "lacks the storage"},
		"tar: tensor that is not there":    {with("tensors", key(first), key(first+1)), "lacks the tensor"},
		"tar: a million tensors announced": {with("tensors", []byte("J\x04\x00\x00\x00."), []byte("J\x40\x42\x0f\x00.")), "at most 10000"},
		"tar: view beyond its storage":     {with("storages", []byte("J\x40\x00\x00\x00J\x40\x00\x00\x00t"), []byte("J\x41\x00\x00\x00J\x40\x00\x00\x00t")), "outside of it"},
		"tar: name with NUL":               {with("pickle", []byte("tail"), []byte("ta\x00l")), "NUL"},
		"tar: no object":                   {without("pickle"), `without the file "pickle"`},
		"tar: no storages":                 {without("storages"), `without the file "storages"`},
		"tar: two archives":                {append(slices.Clone(clean), clean...), "not plain"},
	}
}
