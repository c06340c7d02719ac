package beneath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// identity is what the kernel says of a host path, through no link.
func identity(t *testing.T, path string) integrity.Identity {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	id, err := integrity.IdentityOf(fd)
	must(t, err)
	return id
}

func TestStat(t *testing.T) {
	r, dir := tree(t)
	tests := []struct {
		path string
		want error
	}{
		{"", nil}, {".", nil}, {"sub", nil}, {"sub/file", nil}, {"in", nil}, {"out", nil}, {"fifo", nil},
		{"dir/file", syscall.ELOOP}, {"dir/x.pt", syscall.ELOOP}, {"up/secret", syscall.ELOOP}, {"magic/etc", syscall.ELOOP},
		{"..", syscall.EXDEV}, {"../secret", syscall.EXDEV}, {"/etc", syscall.EXDEV}, {"nowhere", fs.ErrNotExist},
	}
	for range 2 { // what was learned by the first look makes no difference to the second
		for _, tt := range tests {
			got, err := r.Stat(tt.path)
			if !errors.Is(err, tt.want) {
				t.Errorf("Stat(%q): %v, expected %v", tt.path, err, tt.want)
			}
			if tt.want == nil && got != identity(t, filepath.Join(dir, tt.path)) {
				t.Errorf("Stat(%q) = %v", tt.path, got)
			}
		}
	}
}

// A folder that turns into a link after it was looked at is not looked through, in the tree or out of it.
func TestStatOfAPathThatChanges(t *testing.T) {
	r, dir := tree(t)
	secret := filepath.Join(filepath.Dir(dir), "elsewhere")
	must(t, os.MkdirAll(filepath.Join(secret, "in"), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "a/in"), 0o755))
	if _, err := r.Stat("a/in"); err != nil {
		t.Fatal(err)
	}
	must(t, os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	must(t, os.Symlink(secret, filepath.Join(dir, "a")))
	if id, err := r.Stat("a/in"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link out of the tree is followed: %v, %v", id, err)
	}
	must(t, os.Remove(filepath.Join(dir, "a")))
	if _, err := r.Stat("a/in"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone: %v", err)
	}
	must(t, os.MkdirAll(filepath.Join(dir, "a/in"), 0o755))
	if id, err := r.Stat("a/in"); err != nil || id != identity(t, filepath.Join(dir, "a/in")) {
		t.Errorf("another folder in its place: %v, %v", id, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "a/in/new"), nil, 0o644))
	if id, err := r.Stat("a/in"); err != nil || id != identity(t, filepath.Join(dir, "a/in")) {
		t.Errorf("another version of the folder: %v, %v", id, err)
	}
}

func TestStatRemembersWithinBounds(t *testing.T) {
	var s stamps
	for i := range 2*maxStamps + 7 {
		path := fmt.Sprint(i)
		s.keep(path, integrity.Identity{Ino: uint64(i)})
		if id, known := s.of(path); !known || id.Ino != uint64(i) || len(s.last) > maxStamps {
			t.Fatalf("%s: %v, %v, %d names", path, id, known, len(s.last))
		}
	}
}

// BenchmarkStat is what each folder above a file costs each time the file is opened.
func BenchmarkStat(b *testing.B) {
	dir := b.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
		b.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for _, path := range []string{".", "a/b"} {
		b.Run("known "+path, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Stat(path); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("opened "+path, func(b *testing.B) {
			for b.Loop() {
				r.seen.last = nil
				if _, err := r.Stat(path); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("plain statx "+path, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.glance(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
