package provenance

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChangedWhileRead has a list replaced in place between the look at its identity and the read: its bytes would be
// taken for those of a version that they are not.
func TestChangedWhileRead(t *testing.T) {
	dir := t.TempDir()
	for what, change := range map[string]func(file string) error{
		"same size": func(f string) error {
			return errors.Join(os.WriteFile(f, []byte("bbbb"), 0o644), os.Chtimes(f, time.Unix(1, 0), time.Unix(1, 0)))
		},
		"cut":   func(f string) error { return os.Truncate(f, 2) },
		"grown": func(f string) error { return os.WriteFile(f, []byte("aaaaaa"), 0o644) },
	} {
		write(t, dir, map[string]string{"list": "aaaa"})
		g := &gatherer{tree: dirTree(dir)}
		s, err := g.open("list", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(filepath.Join(dir, "list")); err != nil {
			t.Fatal(err)
		}
		if b, err := readWhole(s, 100); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: %q, %v", what, b, err)
		}
		s.close()
	}
	write(t, dir, map[string]string{"list": "aaaaaa"})
	if b, err := (&gatherer{tree: dirTree(dir)}).read("list", false, 100); err != nil || string(b) != "aaaaaa" {
		t.Errorf("at rest: %q, %v", b, err)
	}
}
