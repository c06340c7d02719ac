package provenance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// soundDir is a temporary folder in which listings may be made.
func soundDir(t *testing.T) string {
	t.Helper()
	for _, parent := range []string{os.TempDir(), "/dev/shm"} {
		dir, err := os.MkdirTemp(parent, "trustfs-listing-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		sound := soundlyStamped(f)
		f.Close()
		if sound {
			return dir
		}
	}
	t.Skip("SKIPPED, NOT TESTED: listings need a filesystem like ext4 or tmpfs at TMPDIR or /dev/shm")
	return ""
}

func TestSoundStamps(t *testing.T) {
	f, err := os.Open(soundDir(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Close(); soundlyStamped(f) {
		t.Error("what cannot be asked is sound")
	}
	for _, dir := range []string{"/proc", "/sys", "/dev/pts"} {
		f, err := os.Open(dir)
		if err != nil {
			t.Log("not there:", err)
			continue
		}
		if soundlyStamped(f) {
			t.Errorf("%s is sound", dir)
		}
		f.Close()
	}
}

// bins makes n files in dir/sub, old enough for a listing.
func bins(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		write(t, dir, map[string]string{fmt.Sprintf("sub/m%d.bin", i): "x"})
	}
	time.Sleep(racyWindow + 100*time.Millisecond)
}

// checksumOf gathers the evidence of a file that bins has made.
func checksumOf(t *testing.T, v *Verifier, tree Tree, i int) string {
	t.Helper()
	e, err := v.Evidence(context.Background(), tree, Subject{Path: fmt.Sprintf("sub/m%d.bin", i), SHA256: sha("x"), Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	return e.Checksum
}

// What serves looks for each name, each time: nobody told it that the stamps of folders are to be believed.
func TestFoldersAreListedOnDemandOnly(t *testing.T) {
	dir, store := soundDir(t), filepath.Join(soundDir(t), "pins")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	bins(t, dir, 3*askedOften)
	v, tree := verifier(t, Options{Root: dir, Pins: store}), watch(t, dir)
	for i := range 3 * askedOften {
		checksumOf(t, v, tree, i)
	}
	if n := tree.lists.Load(); n != 0 || len(v.folders.known)+len(v.folders.asked) != 0 {
		t.Errorf("%d folders were listed, %d are known, %d counted", n, len(v.folders.known), len(v.folders.asked))
	}
}

// A still node is a folder or file whose attributes have the same stamps for ever, as far as this filesystem tells.
type stillNode struct{ *fs.LoopbackNode }

// WrapChild makes what is found below one still, too.
func (*stillNode) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &stillNode{child.(*fs.LoopbackNode)}
}

func (n *stillNode) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	errno := n.LoopbackNode.Getattr(ctx, f, out)
	still(&out.Attr)
	return errno
}

func (n *stillNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	child, errno := n.LoopbackNode.Lookup(ctx, name, out)
	still(&out.Attr)
	return child, errno
}

// Statx is left out: the kernel asks Getattr then.
func (*stillNode) Statx(context.Context, fs.FileHandle, uint32, uint32, *fuse.StatxOut) syscall.Errno {
	return syscall.ENOSYS
}

func still(a *fuse.Attr) {
	long := time.Unix(1e9, 0)
	a.SetTimes(&long, &long, &long)
	if a.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		a.Size, a.Nlink = 4096, 2
	}
}

// stillMount shows the folder real through such a filesystem.
func stillMount(t *testing.T, real string) string {
	t.Helper()
	at := t.TempDir()
	root := &stillNode{&fs.LoopbackNode{RootData: &fs.LoopbackRoot{Path: real}}}
	server, err := fs.Mount(at, root, &fs.Options{})
	if err != nil {
		t.Skip("SKIPPED, NOT TESTED: a filesystem whose stamps stand still needs FUSE:", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return at
}

// Where the stamps of folders do not move, what comes to convict is met all the same.
func TestFoldersWithUnsoundStampsAreNotListed(t *testing.T) {
	real := t.TempDir()
	at := stillMount(t, real)
	bins(t, real, 3*askedOften)
	v, tree := verifier(t, Options{Root: at, ListFolders: true}), watch(t, at)
	for i := range 3 * askedOften {
		checksumOf(t, v, tree, i)
	}
	before, err := tree.Stat("sub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, real, map[string]string{"sub/SHA256SUMS": strings.Repeat("0", 64) + "  m1.bin\n"})
	time.Sleep(1100 * time.Millisecond) // what the kernel keeps of names and attributes
	if after, err := tree.Stat("sub"); err != nil || after != before {
		t.Fatalf("the stamps moved, which proves nothing: %v, then %v, %v", before, after, err)
	}
	if got := checksumOf(t, v, tree, 1); got != ChecksumMismatch {
		t.Errorf("a list that came later is overlooked: %s", got)
	}
}

// A swapped tree opens another folder for listing than the one whose identity was taken: a rename that came between, and was
// undone.
type swapped struct{ *watched }

func (s swapped) Dir(path string) (*os.File, error) {
	s.lists.Add(1)
	return s.Root.Dir(strings.Replace(path, "sub", "other", 1))
}

func TestAnotherFoldersListingIsThrownAway(t *testing.T) {
	dir := soundDir(t)
	write(t, dir, map[string]string{"other/x": "", "sub/m9.bin.sha256": strings.Repeat("0", 64)})
	bins(t, dir, 3*askedOften)
	v, tree := verifier(t, Options{Root: dir, ListFolders: true}), swapped{watch(t, dir)}
	for i := range 3 * askedOften {
		want := ChecksumNone
		if i == 9 {
			want = ChecksumMismatch
		}
		if got := checksumOf(t, v, tree, i); got != want {
			t.Errorf("file %d: %s, expected %s", i, got, want)
		}
	}
	if tree.lists.Load() < 2 {
		t.Error("nothing was listed, which proves nothing")
	}
	id, err := tree.Stat("sub")
	if err != nil || v.folders.known[id] != nil {
		t.Errorf("kept: %v, %v", v.folders.known[id], err)
	}
}
