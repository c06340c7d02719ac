package provenance

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/provenance/pins"
)

func TestListingLacks(t *testing.T) {
	l := newListing(entries("README", "Model.SIG", "a~1"))
	for name, want := range map[string]bool{
		"checksums.txt": true, "readme": false, "README": false, "model.sig": false, "model.si": true, "MODEL.sigs": true,
		"b~1": false, "modèle": false, "tab\t": false, "": true,
	} {
		if got := l.lacks(name); got != want {
			t.Errorf("lacks(%q) = %v, expected %v", name, got, want)
		}
	}
	if newListing(entries("a", "ſig")).lacks("b") {
		t.Error("a folder with a name that a filesystem may fold in its own way is taken for sure")
	}
	if newListing(make([]os.DirEntry, maxListed+1)).lacks("b") || (*listing)(nil).lacks("b") {
		t.Error("a folder that was not listed lacks nothing for sure")
	}
	if !newListing(nil).lacks("b") {
		t.Error("an empty folder lacks everything")
	}
}

type entry struct {
	fs.DirEntry
	name string
}

func (e entry) Name() string { return e.name }

func entries(names ...string) (out []os.DirEntry) {
	for _, n := range names {
		out = append(out, entry{name: n})
	}
	return out
}

// A watched tree counts the names that are looked for one by one.
type watched struct {
	*beneath.Root
	looks, lists atomic.Int64
}

func (w *watched) Path(path string) (*os.File, error) {
	w.looks.Add(1)
	return w.Root.Path(path)
}

func (w *watched) Dir(path string) (*os.File, error) {
	w.lists.Add(1)
	return w.Root.Dir(path)
}

func watch(t *testing.T, dir string) *watched {
	t.Helper()
	root, err := beneath.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &watched{Root: root}
}

// The evidence of many files in one folder is gathered by one listing, is the same as without it, and does not miss what
// comes later.
func TestFoldersAreListedOnce(t *testing.T) {
	dir := soundDir(t)
	for i := range 20 {
		write(t, dir, map[string]string{fmt.Sprintf("sub/m%d.bin", i): "x"})
	}
	digest := sha("x")
	write(t, dir, map[string]string{"sub/m7.bin.sha256": strings.Repeat("0", 64)})
	time.Sleep(racyWindow + 100*time.Millisecond)
	v := verifier(t, Options{Root: dir, ListFolders: true})
	tree := watch(t, dir)
	gather := func(i int) *Evidence {
		t.Helper()
		e, err := v.Evidence(t.Context(), tree, Subject{Path: fmt.Sprintf("sub/m%d.bin", i), SHA256: digest, Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var before int64
	for i := range 20 {
		if before = tree.looks.Load(); i == 7 {
			if e := gather(i); e.Checksum != ChecksumMismatch {
				t.Errorf("the list beside file %d is overlooked: %s", i, e.Checksum)
			}
			continue
		}
		e := gather(i)
		looks := tree.looks.Load() - before
		if i <= 2 && looks < 15 || i > askedOften && looks > 0 {
			t.Errorf("file %d: %d names looked for", i, looks)
		}
		fresh, err := verifier(t, Options{Root: dir}).Evidence(t.Context(), tree, Subject{Path: fmt.Sprintf("sub/m%d.bin", i), SHA256: digest, Size: 1})
		if err != nil || !slices.Equal(e.Inputs, fresh.Inputs) || e.Checksum != fresh.Checksum {
			t.Errorf("file %d: with a listing %+v, without %+v, %v", i, e.Inputs, fresh.Inputs, err)
		}
	}
	if n := tree.lists.Load(); n != 2 {
		t.Errorf("%d folders were listed, expected the file's and the root", n)
	}
	write(t, dir, map[string]string{"SHA256SUMS": strings.Repeat("0", 64) + "  sub/m9.bin\n"})
	if e := gather(9); e.Checksum != ChecksumMismatch {
		t.Errorf("a list that came after the listing is overlooked: %s", e.Checksum)
	}
}

// A folder that has just changed is not listed: another change might not show.
func TestYoungFoldersAreNotListed(t *testing.T) {
	dir := soundDir(t)
	write(t, dir, map[string]string{"m.bin": "x"})
	v := verifier(t, Options{Root: dir, ListFolders: true})
	tree := watch(t, dir)
	for range 3 * askedOften {
		if _, err := v.Evidence(t.Context(), tree, Subject{Path: "m.bin", SHA256: sha("x"), Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := tree.lists.Load(); n != 0 {
		t.Errorf("listed %d times", n)
	}
}

// What was pinned after the pins were listed is pinned.
func TestPinsAreListed(t *testing.T) {
	dir, store := t.TempDir(), filepath.Join(soundDir(t), "pins")
	write(t, dir, map[string]string{"m.bin": "x"})
	v := verifier(t, Options{Root: dir, Pins: store, ListFolders: true})
	pinned := func(d integrity.Digest) bool {
		t.Helper()
		e, err := v.Evidence(t.Context(), watch(t, dir), Subject{Path: "m.bin", SHA256: d, Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(e.Inputs, func(in InputID) bool { return in.Outside }); i < 0 || e.Inputs[i].Absent == e.Pinned {
			t.Errorf("the pin is no input: %+v", e.Inputs)
		}
		return e.Pinned
	}
	if pinned(sha("x")) {
		t.Error("pinned without a store")
	}
	for _, name := range []string{"x", "y"} {
		if err := pins.At(store).Pin(pins.Pin{Digest: sha(name), Time: time.Unix(1e9, 0), By: "test"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(racyWindow + 100*time.Millisecond)
		for range 2 * askedOften {
			if !pinned(sha(name)) || pinned(sha("z")) {
				t.Fatalf("%s is not pinned, or z is", name)
			}
		}
	}
}

func sha(content string) integrity.Digest { return sha256.Sum256([]byte(content)) }

func verifier(t *testing.T, o Options) *Verifier {
	t.Helper()
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
