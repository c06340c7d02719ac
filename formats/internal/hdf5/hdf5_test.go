package hdf5

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// fixture reads a file of testdata, which testdata/make.py has written.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// walk returns what the visitor is told, sorted.
func walk(b []byte) ([]string, error) {
	var got []string
	say := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	super := Find(bytes.NewReader(b), int64(len(b)))
	if super < 0 {
		return nil, fmt.Errorf("no superblock")
	}
	err := Walk(bytes.NewReader(b), int64(len(b)), super, Visitor{
		Attribute: func(o, n, v string, text bool) { say("attr /%s %s=%s %v", o, n, v, text) },
		External:  func(o, k, target string) { say("external /%s %s %s", o, k, target) },
		Filter:    func(o string, id uint16) { say("filter /%s %d", o, id) },
		Unknown:   func(o, what string) { say("unknown /%s %s", o, what) },
	})
	slices.Sort(got)
	return got, err
}

const config = `{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1}}]}}`

func TestModels(t *testing.T) {
	want := []string{
		"attr / keras_version=2.15.0 true",
		"attr / model_config=" + config + " true",
		"attr / names=dense_1 dense_2 true",
		"attr / numbers= false",
		"attr / texts=one two true",
		"attr /model_weights/dense_1 weight_names=kernel:0 true",
		"filter /model_weights/dense_1/packed 1",
	}
	for _, name := range []string{"earliest.h5", "latest.h5", "default.h5", "ordered.h5", "userblock.h5"} {
		got, err := walk(fixture(t, name))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestDense(t *testing.T) {
	got, err := walk(fixture(t, "dense.h5"))
	if err != nil || len(got) != 151 {
		t.Fatalf("%d attributes, %v; want 151", len(got), err)
	}
	for i := range 150 {
		if want := fmt.Sprintf("attr /group_7 attr_%d=value %d %s true", i, i, strings.Repeat("x", i%300)); !slices.Contains(got, want) {
			t.Fatalf("%.60q is missing", want)
		}
	}
	if want := "attr /group_149 model_config=" + config + " true"; !slices.Contains(got, want) {
		t.Errorf("%s is missing", want)
	}
}

func TestExternal(t *testing.T) {
	got, err := walk(fixture(t, "external.h5"))
	want := []string{"external /away link /etc/other.h5 /data", "external /raw storage ", "external /virtual virtual dataset "}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFind(t *testing.T) {
	sig := []byte(Signature)
	for off, want := range map[int]int64{0: 0, 512: 512, 1024: 1024, 8192: 8192, 100: -1, 768: -1} {
		b := append(make([]byte, off), append(sig, make([]byte, 100)...)...)
		if got := Find(bytes.NewReader(b), int64(len(b))); got != want {
			t.Errorf("signature at %d: found at %d, want %d", off, got, want)
		}
	}
}

func TestMutations(t *testing.T) {
	for _, name := range []string{"earliest.h5", "latest.h5"} {
		b := fixture(t, name)
		for n := range b {
			if n%16 == 0 {
				_, _ = walk(b[:n])
			}
			if n > 1000 && n%11 != 0 {
				continue // the first structures byte by byte, then a sample
			}
			for _, v := range []byte{0, 0xff} {
				if b[n] != v {
					m := bytes.Clone(b)
					m[n] = v
					_, _ = walk(m)
				}
			}
		}
	}
}

func FuzzWalk(f *testing.F) {
	for _, name := range []string{"earliest.h5", "latest.h5", "dense.h5", "external.h5"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := walk(b)
		second, again := walk(b)
		if !slices.Equal(first, second) || (err == nil) != (again == nil) {
			t.Fatal("two runs differ")
		}
	})
}
