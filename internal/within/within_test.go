package within

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"trustfs/internal/beneath"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	dir := filepath.Join(top, "models")
	must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	must(t, os.MkdirAll(filepath.Join(top, "models-evil"), 0o755))
	for _, name := range []string{"models/a.pt", "models/sub/b.pt", "secret", "models-evil/c.pt"} {
		must(t, os.WriteFile(filepath.Join(top, name), nil, 0o644))
	}
	must(t, os.Symlink("a.pt", filepath.Join(dir, "in.pt")))
	must(t, os.Symlink("../secret", filepath.Join(dir, "out.pt")))
	must(t, os.Symlink(dir, filepath.Join(top, "alias")))
	must(t, os.Symlink("sub", filepath.Join(dir, "folder")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	t.Chdir(dir)
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{"a.pt", "a.pt", nil},
		{dir + "/sub/../a.pt", "a.pt", nil},
		{"in.pt", "a.pt", nil},
		{top + "/alias/sub/b.pt", "sub/b.pt", nil},
		{"folder/../a.pt", "a.pt", nil}, // .. of where the link leads
		{"out.pt", "", ErrTraversal},
		{"../secret", "", ErrTraversal},
		{"../../../../../../../../etc/passwd", "", ErrTraversal},
		{"/etc/passwd", "", ErrTraversal},
		{"../models-evil/c.pt", "", ErrTraversal}, // a prefix of the name is not a folder
		{"../not-there", "", ErrTraversal},
		{"not-there/../../x", "", ErrTraversal},
		{"not-there", "", fs.ErrNotExist},
		{"sub", "", beneath.ErrNotRegular},
		{".", "", beneath.ErrNotRegular},
	} {
		d, err := Directory(dir)
		must(t, err)
		got, err := d.File(tt.path)
		if tt.err == nil {
			tt.want = filepath.Join(dir, tt.want)
		}
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("File(%q) = %q, %v; want %q, %v", tt.path, got, err, tt.want, tt.err)
		}
	}
	for _, bad := range []string{"", "a\x00b", "loop"} {
		d, err := Directory(dir)
		must(t, err)
		if got, err := d.File(bad); err == nil {
			t.Errorf("File(%q) = %q", bad, got)
		}
	}
	if _, err := Directory(filepath.Join(dir, "a.pt")); err == nil {
		t.Error("a file was taken for a directory")
	}
}
