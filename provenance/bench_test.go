package provenance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// benchFolder has a list of 10,000 files, old enough to be remembered.
func benchFolder(b *testing.B) (*Verifier, dirTree, Subject) {
	b.Helper()
	dir := b.TempDir()
	var list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&list, "%s  d/%d.bin\n", sumOf(fmt.Sprint(i)), i)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "checksums.txt")
	if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	time.Sleep(racyWindow + 100*time.Millisecond)
	return must(New(Options{Root: dir, Checksums: []string{file}})), dirTree(dir), subject("d/7777.bin", "7777")
}

// BenchmarkEvidence is what gathering costs for one file of a long list, the list parsed already.
func BenchmarkEvidence(b *testing.B) {
	v, tree, s := benchFolder(b)
	for b.Loop() {
		if e, err := v.Evidence(context.Background(), tree, s); err != nil || !e.ChecksumTrusted {
			b.Fatal(e, err)
		}
	}
}

// BenchmarkCurrent is what it costs to see that nothing has changed.
func BenchmarkCurrent(b *testing.B) {
	v, tree, s := benchFolder(b)
	e := must(v.Evidence(context.Background(), tree, s))
	for b.Loop() {
		if !Current(tree, e.Inputs) {
			b.Fatal("not current")
		}
	}
}
