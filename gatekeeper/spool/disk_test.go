package spool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// small mounts a tmpfs, which is as full as the test wants it.
func small(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root: a disk that is full")
	}
	dir := t.TempDir()
	if err := unix.Mount("trustfs-test", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// A disk without room says so before anything is inflated, and some room is left to others.
func TestFullDisk(t *testing.T) {
	dir := small(t, "260m")
	s := New(dir, 1<<40)
	defer s.Close()
	begun := false
	_, err := s.Get(t.Context(), key(1), 100<<20, 0, func() (Fill, error) { begun = true; return filling(nil, nil)() })
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "must stay free") || s.used != 0 {
		t.Errorf("%v, %d bytes", err, s.used)
	}
	c := get(t, s, key(1), content(1, 1<<20), nil)
	wantContent(t, c, content(1, 1<<20))
	c.Close()
	if !begun {
		t.Error("nothing was tried")
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := reserve(fd, 1<<30); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a GiB of a disk of 260 MiB: %v", err)
	}
}

// A write that fails in the middle is the disk's error, and not the worker's.
func TestDiskThatFailsInTheMiddle(t *testing.T) {
	s := newSpool(t, 10<<20)
	b := content(1, 5<<20)
	f, err := create(s.dir, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // writing to a closed file fails as a disk does
	through := &through{from: strings.NewReader(string(b)), file: f}
	if _, err := through.ReadAt(make([]byte, 1000), 0); err == nil || through.err == nil {
		t.Errorf("%v, %v", err, through.err)
	}
	if _, err := through.ReadAt(make([]byte, 1000), 5000); err == nil || !strings.Contains(err.Error(), "expected 0") {
		t.Errorf("out of order: %v", err)
	}
}

// Nothing is put into a folder that others may look into, or that is another's.
func TestFolderOfOthers(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"open to all":    func(dir string) error { return os.Chmod(dir, 0o755) },
		"a link":         func(dir string) error { return errors.Join(os.Rename(dir, dir+".own"), os.Symlink(dir+".own", dir)) },
		"a file":         func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) },
		"of another uid": func(dir string) error { return os.Chown(dir, 1234, -1) },
	} {
		if name == "of another uid" && os.Geteuid() != 0 {
			t.Log("SKIPPED: needs root: a folder of another user")
			continue
		}
		dir := filepath.Join(t.TempDir(), "spool")
		s := New(dir, 1<<20)
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			err = change(dir)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), key(1), 5, 0, filling([]byte("hello"), nil)); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}
