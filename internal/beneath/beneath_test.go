package beneath

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func tree(t *testing.T) (*Root, string) {
	t.Helper()
	outer := t.TempDir()
	dir := filepath.Join(outer, "tree")
	must(t, os.MkdirAll(filepath.Join(dir, "sub/x.pt"), 0o755))
	must(t, os.WriteFile(filepath.Join(outer, "secret"), []byte("secret"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "sub/file"), []byte("inside"), 0o644))
	for name, target := range map[string]string{
		"in": "sub/file", "out": "../secret", "abs": filepath.Join(outer, "secret"), "dir": "sub", "up": "..",
		"magic": "/proc/self/root", "sub/back": "../in", "loop": "loop", "dangling": "nowhere",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	r, err := Open(dir)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsReachable(t *testing.T) {
	r, _ := tree(t)
	tests := []struct {
		path            string
		regular, follow error // nil: it is "inside"
	}{
		{"sub/file", nil, nil},
		{"./sub/../sub/file", nil, nil},
		{"in", ErrNotRegular, nil},
		{"sub/back", ErrNotRegular, nil},
		{"dir/file", syscall.ELOOP, nil},
		{"out", ErrNotRegular, syscall.EXDEV},
		{"abs", ErrNotRegular, syscall.EXDEV},
		{"up/secret", syscall.ELOOP, syscall.EXDEV},
		{"magic/etc/passwd", syscall.ELOOP, syscall.EXDEV},
		{"../secret", syscall.EXDEV, syscall.EXDEV},
		{"sub/../../secret", syscall.EXDEV, syscall.EXDEV},
		{"/etc/passwd", syscall.EXDEV, syscall.EXDEV},
		{"loop", ErrNotRegular, syscall.ELOOP},
		{"dangling", ErrNotRegular, fs.ErrNotExist},
		{"nowhere", fs.ErrNotExist, fs.ErrNotExist},
		{"sub/file/x", syscall.ENOTDIR, syscall.ENOTDIR},
		{"sub/x.pt", ErrNotRegular, ErrNotRegular},
		{"", ErrNotRegular, ErrNotRegular},
		{"fifo", ErrNotRegular, ErrNotRegular},
		{"a\x00b", syscall.EINVAL, syscall.EINVAL},
	}
	for _, tt := range tests {
		check(t, "Regular", tt.path, r.Regular, tt.regular)
		check(t, "Follow", tt.path, r.Follow, tt.follow)
	}
}

func check(t *testing.T, op, path string, open func(string) (*os.File, error), want error) {
	t.Helper()
	f, err := open(path)
	if want != nil {
		if !errors.Is(err, want) {
			t.Errorf("%s(%q): %v, expected %v", op, path, err, want)
		}
		return
	}
	if err != nil {
		t.Errorf("%s(%q): %v", op, path, err)
		return
	}
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "inside" || err != nil {
		t.Errorf("%s(%q) reads %q, %v", op, path, b, err)
	}
}

func TestReadlinkAndReadDir(t *testing.T) {
	r, _ := tree(t)
	if got, err := r.Readlink("out"); got != "../secret" || err != nil {
		t.Errorf("Readlink: %q, %v", got, err)
	}
	if _, err := r.Readlink("sub/file"); err == nil {
		t.Error("a file has a link's target")
	}
	entries, err := r.ReadDir("sub")
	if err != nil || len(entries) != 3 {
		t.Errorf("ReadDir: %v, %v", entries, err)
	}
	if _, err := r.ReadDir("dir"); err == nil {
		t.Error("a link is listed as the folder that it leads to")
	}
	if _, err := r.ReadDir("../"); err == nil {
		t.Error("the folder above the root is listed")
	}
}

// A mount below the root may be another user's own filesystem.
func TestMountsAreNotCrossed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, NOT TESTED: crossing a mount needs root to make one")
	}
	r, dir := tree(t)
	mnt := filepath.Join(dir, "sub/x.pt")
	must(t, unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { must(t, unix.Unmount(mnt, 0)) })
	must(t, os.WriteFile(filepath.Join(mnt, "f"), []byte("other"), 0o644))
	if _, err := r.Regular("sub/x.pt/f"); !errors.Is(err, syscall.EXDEV) {
		t.Errorf("a file on a mount below the root: %v", err)
	}
}

// While one goroutine swaps a folder for a link that leads out, no open reads what is outside.
func TestRacingRename(t *testing.T) {
	r, dir := tree(t)
	must(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "real/secret"), []byte("inside"), 0o644))
	must(t, os.Symlink("..", filepath.Join(dir, "evil")))
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "real"), unix.AT_FDCWD, filepath.Join(dir, "evil"), unix.RENAME_EXCHANGE)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	read := 0
	for range 20_000 {
		for _, open := range []func(string) (*os.File, error){r.Regular, r.Follow} {
			f, err := open("real/secret")
			if err != nil {
				continue
			}
			b, _ := io.ReadAll(f)
			f.Close()
			if string(b) != "inside" {
				t.Fatalf("a racing rename let %q out", b)
			}
			read++
		}
	}
	if read == 0 {
		t.Error("the file was never read: the race proves nothing")
	}
}
