package gatekeeper

import (
	"context"
	"os"
	"testing"

	"trustfs/formats"
	"trustfs/integrity"
)

// byBytes takes files of at most 10 bytes by their bytes.
type byBytes struct {
	analyst
	got   []byte
	named *integrity.Manifest
}

func (a *byBytes) TakesContent(size int64) bool { return size <= 10 }

func (a *byBytes) AnalyseContent(_ context.Context, _ *os.File, m *integrity.Manifest, content []byte, names []string) (*formats.Result, error) {
	a.got, a.named, a.names = content, m, names
	r := a.result
	return &r, nil
}

func TestSmallFilesGoByTheirBytes(t *testing.T) {
	a := &byBytes{analyst: analyst{result: formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}}}
	b := newBench(t, func(c *Config) { c.Analyst = a })
	b.write("small", "0123456789")
	b.write("large", "0123456789a")
	j := b.judge("small")
	if string(a.got) != "0123456789" || a.named != j.Manifest || a.calls.Load() != 0 {
		t.Errorf("the analyst got %q, and %d files by descriptor", a.got, a.calls.Load())
	}
	want, err := integrity.Build(t.Context(), openFile(t, b.dir+"/small"), 10, nil)
	if err != nil || j.Manifest.Digest != want.Digest || j.Report.SHA256 != want.Digest.String() || j.Report.Verdict != Allow {
		t.Errorf("judged %s %s, expected %s (%v)", j.Report.SHA256, j.Report.Verdict, want.Digest, err)
	}
	a.got = nil
	if j := b.judge("large"); a.got != nil || a.calls.Load() != 1 || j.Report.Verdict != Allow {
		t.Errorf("a file over the analyst's bound: %d bytes in memory, %d files by descriptor", len(a.got), a.calls.Load())
	}
}

func openFile(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A file changes after it was read, and its new version is judged by another name meanwhile: the Manifest is there then, and
// the bytes that were read first are not those it is of.
func TestBytesReadAreOfTheManifest(t *testing.T) {
	a := &byBytes{analyst: analyst{result: formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}}}
	b := newBench(t, func(c *Config) { c.Analyst = a })
	b.write("one", "0123456789")
	if err := os.Link(b.dir+"/one", b.dir+"/two"); err != nil {
		t.Fatal(err)
	}
	b.settle()
	subject := Subject{File: openFile(t, b.dir+"/one"), Path: "one", Tree: b.tree}
	meanwhile := func() {
		if err := os.WriteFile(b.dir+"/one", []byte("9876543210"), 0); err != nil {
			t.Error(err)
		}
		b.settle()
		b.judge("two")
	}
	subject.Progress = func(int64) {
		if meanwhile != nil {
			do := meanwhile
			meanwhile, a.got = nil, nil
			do()
			a.got, a.named = nil, nil
		}
	}
	j, err := b.gate.Judge(t.Context(), subject)
	if err != nil || meanwhile != nil {
		t.Fatalf("judged %v; the change has come: %v", err, meanwhile == nil)
	}
	if want := integrity.OfBytes([]byte("9876543210")).Digest; j.Report.SHA256 != want.String() {
		t.Errorf("judged %s, expected the second version, %s", j.Report.SHA256, want)
	}
	if a.got != nil && a.named.Digest != integrity.OfBytes(a.got).Digest {
		t.Errorf("the analyst got %q as the bytes of %s", a.got, a.named.Digest.Short())
	}
}
