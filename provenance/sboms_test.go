package provenance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/provenance/sbom"
)

// billOf is an SBOM of one file, followed by blanks up to a size (0 for none).
func billOf(content string, size int) string {
	s := fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"machine-learning-model","name":"m","hashes":[{"alg":"SHA-256","content":%q}]}]}`, sumOf(content))
	return s + strings.Repeat(" ", max(0, size-len(s)))
}

func TestSBOMs(t *testing.T) {
	wanted := Options{SBOMsInTree: true}
	tests := []struct {
		name        string
		o           Options
		state, file string
		findings    int
		files       map[string]string
	}{
		{"none", wanted, SBOMNone, "", 0, nil},
		{"by name", wanted, SBOMMatch, "m/model.bin.cdx.json", 0, map[string]string{"m/model.bin.cdx.json": billOf("model", 0)}},
		{"by stem", wanted, SBOMMatch, "m/model.cdx.json", 0, map[string]string{"m/model.cdx.json": billOf("model", 0)}},
		{"above", wanted, SBOMMatch, "bom.cdx.json", 0, map[string]string{"bom.cdx.json": billOf("model", 0)}},
		{"about another", wanted, SBOMUnrelated, "m/model.bin.cdx.json", 0, map[string]string{"m/model.bin.cdx.json": billOf("other", 0)}},
		{"one of two", wanted, SBOMMatch, "sbom.cdx.json", 0, map[string]string{"m/model.bin.cdx.json": billOf("other", 0), "sbom.cdx.json": billOf("model", 0)}},
		{"malformed", wanted, SBOMMalformed, "m/model.bin.spdx.json", 1, map[string]string{"m/model.bin.spdx.json": "{}"}},
		{"not wanted", Options{}, SBOMNone, "", 0, map[string]string{"m/model.bin.cdx.json": billOf("model", 0)}},
		{"malformed and not wanted", Options{}, SBOMNone, "", 0, map[string]string{"m/model.bin.cdx.json": "{}"}},
		{"the fourth", wanted, SBOMMatch, "m/sbom.cdx.json", 3, map[string]string{
			"m/model.bin.spdx.json": "{}", "m/model.spdx.json": "{1", "m/model.bin.cdx.json": "{2", "m/sbom.cdx.json": billOf("model", 0)}},
		{"the fifth is not read", wanted, SBOMMalformed, "m/model.bin.spdx.json", 5, map[string]string{
			"m/model.bin.spdx.json": "{}", "m/model.spdx.json": "{1", "m/model.bin.cdx.json": "{2", "m/model.cdx.json": "{3", "m/sbom.cdx.json": billOf("model", 0)}},
		{"all the bytes that are read", wanted, SBOMMatch, "sbom.cdx.json", 0, map[string]string{
			"m/model.bin.cdx.json": billOf("other", maxSBOMBytes/2), "sbom.cdx.json": billOf("model", maxSBOMBytes/2)}},
		{"one byte more", wanted, SBOMUnrelated, "m/model.bin.cdx.json", 1, map[string]string{
			"m/model.bin.cdx.json": billOf("other", maxSBOMBytes/2), "sbom.cdx.json": billOf("model", maxSBOMBytes/2+1)}},
	}
	for _, tt := range tests {
		e := check(t, tt.o, tt.files)
		if e.SBOM != tt.state || e.SBOMFile != tt.file || len(e.Findings) != tt.findings || (e.SBOMDoc != nil) != (tt.state == SBOMMatch) || e.SBOMTrusted {
			t.Errorf("%s: %s in %q, %v", tt.name, e.SBOM, e.SBOMFile, e.Findings)
		}
	}
}

func TestSBOMsOfTheConfiguration(t *testing.T) {
	out := t.TempDir()
	write(t, out, map[string]string{"approved.json": billOf("model", 0), "broken.json": "{}"})
	beside := map[string]string{"m/model.bin.cdx.json": billOf("other", 0)}
	for _, wanted := range []bool{false, true} {
		e := check(t, Options{SBOMs: []string{filepath.Join(out, "approved.json")}, SBOMsInTree: wanted}, beside)
		if e.SBOM != SBOMMatch || !e.SBOMTrusted {
			t.Errorf("named by the configuration: %s, trusted %v", e.SBOM, e.SBOMTrusted)
		}
	}
	for _, f := range []string{"broken.json", "absent.json"} {
		v := must(New(Options{SBOMs: []string{filepath.Join(out, f)}}))
		if _, err := v.Evidence(context.Background(), dirTree(t.TempDir()), subject("x", "x")); err == nil {
			t.Errorf("%s: named by the configuration, and no error", f)
		}
	}
}

// TestSBOMBehindManyLinks has one SBOM in many revisions of a snapshot: it is one, and leaves room for the others.
func TestSBOMBehindManyLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"blobs/bill": billOf("other", maxSBOMBytes/3), "s/z/model.cdx.json": billOf("model", 0)})
	var links []string
	for i := range maxSBOMs + 3 {
		folder := fmt.Sprintf("s/%d", i)
		links = append(links, folder+"/model.bin")
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../blobs/bill", filepath.Join(dir, folder, "model.cdx.json")); err != nil {
			t.Fatal(err)
		}
	}
	root := must(beneath.Open(dir))
	defer root.Close()
	v := must(New(Options{SBOMsInTree: true}))
	e := must(v.Evidence(context.Background(), root, subject("blobs/m", "model", append(links, "s/z/model.bin")...)))
	if e.SBOM != SBOMMatch || len(e.Findings) != 0 {
		t.Errorf("%s, %v", e.SBOM, e.Findings)
	}
}

// aged opens a sidecar as if its last change were long ago.
func aged(t *testing.T, dir, name string) *sidecar {
	t.Helper()
	s := must((&gatherer{tree: dirTree(dir)}).open(name, false))
	t.Cleanup(s.close)
	s.id.Racy = false
	return s
}

func TestSBOMsAreParsedOnce(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	write(t, dir, map[string]string{"a": billOf("model", 0), "large": billOf("model", maxRememberedRaw+1), "junk": "{}"})
	v := must(New(Options{}))
	model, other := subject("x", "model").SHA256, subject("x", "other").SHA256
	parse := func(s *sidecar, sum integrity.Digest) *bill { return must(v.document(ctx, s, sum)) }
	for _, tt := range []struct {
		file  string
		sum   integrity.Digest
		again bool // parsed a second time
	}{{"a", model, false}, {"a", other, false}, {"large", other, false}, {"large", model, true}, {"junk", model, false}} {
		s := aged(t, dir, tt.file)
		parse(s, tt.sum)
		first := parse(s, tt.sum)
		second := parse(s, tt.sum)
		if (first != second) != tt.again {
			t.Errorf("%s: parsed again: %v", tt.file, first != second)
		}
		if tt.file != "junk" && second.doc.Names(tt.sum) != (tt.sum == model) || tt.sum == model && second.err == nil && second.doc.Raw == nil {
			t.Errorf("%s: recalled wrongly: %+v", tt.file, second)
		}
	}
	before := parse(aged(t, dir, "a"), model)
	write(t, dir, map[string]string{"b": billOf("other", 0)})
	if err := os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if after := parse(aged(t, dir, "a"), model); after == before || after.doc.Names(model) {
		t.Error("a document was replaced, and the one before answers for it")
	}
	young := must((&gatherer{tree: dirTree(dir)}).open("a", false))
	defer young.close()
	young.id.Racy = true
	first := parse(young, model)
	if again := parse(young, model); again == first {
		t.Error("a version that may change unnoticed is recalled")
	}
}

// TestRememberedSBOMsAreBounded has many documents kept, and looks that the bounds hold with the sums they are counted by.
func TestRememberedSBOMsAreBounded(t *testing.T) {
	doc := must(sbom.Parse([]byte(billOf("model", 0))))
	var m bills
	for i := range 40 {
		m.keep(integrity.Identity{Ino: uint64(i), Size: maxRememberedRaw / 3}, &bill{doc: doc})
		m.keep(integrity.Identity{Ino: uint64(i), Size: maxRememberedRaw / 3}, &bill{doc: doc}) // counts once
		whole := int64(0)
		for id, b := range m.known {
			if b.doc.Raw != nil {
				whole += id.Size
			}
		}
		if whole != m.raw || whole > maxRememberedRaw || m.sums != 2*len(m.known) {
			t.Fatalf("%d documents: %d bytes, counted %d; %d digests", len(m.known), whole, m.raw, m.sums)
		}
	}
	m = bills{}
	for i := range 3 * maxRememberedSums {
		m.keep(integrity.Identity{Ino: uint64(i)}, &bill{err: context.Canceled})
		if len(m.known) > maxRememberedSums {
			t.Fatal("more documents than digests may be remembered")
		}
	}
}

// TestOneSBOMAtATime has a judgement wait for another's parse, and give up with its caller.
func TestOneSBOMAtATime(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": billOf("model", 0)})
	v := must(New(Options{}))
	v.parsing <- struct{}{}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	s := aged(t, dir, "a")
	if _, err := v.document(ctx, s, integrity.Digest{}); err == nil {
		t.Fatal("parsed beside another")
	}
	<-v.parsing
	var wg sync.WaitGroup
	got := make([]*bill, 8)
	for i := range got {
		wg.Go(func() { got[i] = must(v.document(context.Background(), s, integrity.Digest{})) })
	}
	wg.Wait()
	for _, b := range got {
		if b != got[0] {
			t.Error("parsed twice though it was asked for at once")
		}
	}
}
