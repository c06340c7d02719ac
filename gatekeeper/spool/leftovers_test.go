package spool

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// litter puts files into dir, of which the first is one that a dead daemon would have left.
func litter(t *testing.T, dir string) (left string, others []string) {
	t.Helper()
	left = prefix + rand.Text()
	others = []string{"of somebody else", "spool-notes.txt", "x" + left, left + ".bak"}
	for _, name := range append(others, left) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, link := prefix+rand.Text(), prefix+rand.Text()
	err := errors.Join(os.Mkdir(filepath.Join(dir, folder), 0o700), os.Symlink("of somebody else", filepath.Join(dir, link)))
	others = append(others, folder, link)
	if os.Geteuid() == 0 {
		foreign := prefix + rand.Text()
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, foreign), nil, 0o600), os.Chown(filepath.Join(dir, foreign), 1234, -1))
		others = append(others, foreign)
	} else {
		t.Log("SKIPPED: needs root: a file of another user")
	}
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(others)
	return left, others
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// Where O_TMPFILE is not offered a file has a name for a moment; what dies in it leaves the name to the next start, and
// nothing else is touched.
func TestLeftoversAreCleared(t *testing.T) {
	for name, clear := range map[string]func(s *Spool) error{
		"by a mount": (*Spool).Clear,
		"by the first content": func(s *Spool) error {
			get(t, s, key(1), content(1, 10), nil).Close()
			return nil
		},
	} {
		s := newSpool(t, 1000)
		if err := s.Clear(); err != nil {
			t.Errorf("%s: no folder yet: %v", name, err)
		}
		if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the folder was made for nothing: %v", name, err)
		}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		left, others := litter(t, s.dir)
		if !slices.Contains(namesIn(t, s.dir), left) {
			t.Fatal("nothing to clear")
		}
		if err := clear(s); err != nil {
			t.Fatal(err)
		}
		if got := namesIn(t, s.dir); !slices.Equal(got, others) {
			t.Errorf("%s: left %q, expected %q", name, got, others)
		}
	}
}

// Nothing is removed through a link, or in a folder that is another's or open to others.
func TestOtherFoldersAreNotCleared(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"a link":         func(dir string) error { return errors.Join(os.Rename(dir, dir+".own"), os.Symlink(dir+".own", dir)) },
		"open to all":    func(dir string) error { return os.Chmod(dir, 0o755) },
		"of another uid": func(dir string) error { return os.Chown(dir, 1234, -1) },
	} {
		if name == "of another uid" && os.Geteuid() != 0 {
			t.Log("SKIPPED: needs root: a folder of another user")
			continue
		}
		s := newSpool(t, 1000)
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		left, others := litter(t, s.dir)
		if err := change(s.dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Clear(); err == nil || !strings.Contains(err.Error(), s.dir) {
			t.Errorf("%s: %v", name, err)
		}
		want := append(others, left)
		slices.Sort(want)
		if got := namesIn(t, s.dir); !slices.Equal(got, want) {
			t.Errorf("%s: left %q, expected %q", name, got, want)
		}
	}
}

// A name that somebody has cleared in its moment is a name less.
func TestFileWithoutAName(t *testing.T) {
	if _, err := private(t.TempDir() + "/."); err == nil {
		t.Fatal("a temporary folder is private")
	}
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := private(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fd, err := unlinked(int(d.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Nlink != 0 || st.Mode&0o777 != 0o600 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := takeName(int(d.Fd()), prefix+"GONE"); err != nil {
		t.Errorf("a name that has gone: %v", err)
	}
	if err := takeName(int(d.Fd()), "."); err == nil {
		t.Error("a folder's name was taken")
	}
}
