package fs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// A file rewritten in place, or replaced: the next open gives the new version, a descriptor opened before gives its own
// version or EIO, and neither gives a mix.
func TestChangedFileIsAnotherVersion(t *testing.T) {
	for name, change := range map[string]func(r *rig, path, content string){
		"in place": func(r *rig, path, content string) { r.put("m", content) },
		"replaced": func(r *rig, path, content string) {
			r.put("m.new", content)
			if err := os.Rename(path+".new", path); err != nil {
				r.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			old := strings.Repeat("old ", 1<<18)
			path := r.put("m", old)
			fd, err := unix.Open(r.in("m"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			head := make([]byte, 4)
			if _, err := unix.Pread(fd, head, 0); err != nil || string(head) != "old " {
				t.Fatalf("%q, %v", head, err)
			}
			change(r, path, strings.Repeat("new!", 1<<18)+"longer")
			if got := r.read("m"); !strings.HasPrefix(got, "new!new!") || !strings.HasSuffix(got, "longer") {
				t.Errorf("the next open read %.8q...%d bytes", got, len(got))
			}
			for off := int64(0); off < 1<<20; off += 1 << 16 {
				if n, err := unix.Pread(fd, head, off); err == nil && (n != 4 || string(head) != "old ") || err != nil && err != unix.EIO {
					t.Errorf("the old descriptor at %d: %q, %v", off, head[:max(n, 0)], err)
				}
			}
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil || st.Size != 1<<20 {
				t.Errorf("fstat of the old descriptor: size %d, %v", st.Size, err)
			}
			r.put("m", evil)
			_, err = readFileRaw(r.in("m"))
			wantErrno(t, "open after it became evil", err, unix.EACCES)
		})
	}
}

// A store into a page that is dirty already changes no timestamp: only the check of each byte sees it. Then the reader gets
// EIO, the gate is told, and the next open is judged afresh, with a page cache of its own.
func TestTamperedWithoutTimestamp(t *testing.T) {
	r := newRigIn(t, tmpfs(t))
	path := r.put("m", strings.Repeat("a", 3*integrity.ChunkSize))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, 3*integrity.ChunkSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	mem[2*integrity.ChunkSize] = 'a' // dirty from here on
	fd, err := unix.Open(r.in("m"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	before, _ := integrity.IdentityOf(int(f.Fd()))
	mem[2*integrity.ChunkSize+5] = 'X'
	if after, _ := integrity.IdentityOf(int(f.Fd())); after != before {
		t.Fatal("the store changed the identity: this test shows nothing")
	}
	buf := make([]byte, 16)
	_, err = unix.Pread(fd, buf, 2*integrity.ChunkSize)
	wantErrno(t, "read of a changed chunk", err, unix.EIO)
	if n, err := unix.Pread(fd, buf, 0); n != 16 || err != nil || string(buf) != strings.Repeat("a", 16) {
		t.Errorf("read of an unchanged chunk: %q, %v", buf[:max(n, 0)], err)
	}
	if tampered, _, _ := r.gate.told(); len(tampered) != 1 || !strings.HasPrefix(tampered[0], "m ") {
		t.Errorf("the gate was told %v", tampered)
	}
	got := r.read("m")
	if len(got) != 3*integrity.ChunkSize || got[2*integrity.ChunkSize+5] != 'X' {
		t.Error("the next open did not give the new bytes")
	}
	if n := len(r.gate.judgements()); n != 2 {
		t.Errorf("%d judgements, want 2", n)
	}
	if n, _ := unix.Pread(fd, buf, 2*integrity.ChunkSize); n > 0 {
		t.Errorf("the old descriptor gave bytes of the new version: %q", buf[:n])
	}
}

// Two contents under one identity without a reader in between: the second open must not meet the first one's pages.
func TestSameIdentityOtherContent(t *testing.T) {
	r := newRigIn(t, tmpfs(t))
	path := r.put("m", strings.Repeat("a", integrity.ChunkSize))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, integrity.ChunkSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	mem[0] = 'a' // dirty from here on
	first := r.read("m")
	before, _ := integrity.IdentityOf(int(f.Fd()))
	mem[0] = 'b'
	if after, _ := integrity.IdentityOf(int(f.Fd())); after != before {
		t.Fatal("the store changed the identity: this test shows nothing")
	}
	r.gate.mu.Lock()
	clear(r.gate.known) // the gate has forgotten, as caches do
	r.gate.mu.Unlock()
	if got := r.read("m"); got[0] != 'b' || got[1:] != first[1:] {
		t.Errorf("the second open read %q...", got[:2])
	}
}

func TestHardLinksAreJudgedUnderTheirOwnNames(t *testing.T) {
	r := newRig(t)
	path := r.put("a/model.pt", "weights")
	if err := os.Link(path, filepath.Join(r.dir, "b.txt")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/model.pt", "b.txt", "a/model.pt"} {
		if got := r.read(name); got != "weights" {
			t.Errorf("%s: read %q", name, got)
		}
	}
	if got := r.gate.judgements(); !slices.Equal(got, []string{"a/model.pt", "b.txt"}) {
		t.Errorf("judged %v", got)
	}
	var a, b unix.Stat_t
	if unix.Stat(r.in("a/model.pt"), &a) != nil || unix.Stat(r.in("b.txt"), &b) != nil || a.Ino != b.Ino || a.Nlink != 2 {
		t.Errorf("stat: inodes %d and %d, %d links", a.Ino, b.Ino, a.Nlink)
	}
}

// An open file that is removed, or whose name goes to another file, is read on.
func TestRemovedWhileOpen(t *testing.T) {
	r := newRig(t)
	path := r.put("m", strings.Repeat("x", 1<<20))
	fd, err := unix.Open(r.in("m"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	if n, err := unix.Pread(fd, buf, 0); n != 1<<20 || err != nil || buf[1<<20-1] != 'x' {
		t.Errorf("read %d bytes, %v", n, err)
	}
	_, err = readFileRaw(r.in("m"))
	wantErrno(t, "open of what was removed", err, unix.ENOENT)
}

// Who stands in a folder must not reach through it what has taken its place.
func TestReplacedFolder(t *testing.T) {
	r := newRig(t)
	r.put("pub/x", "public")
	fd, err := unix.Open(r.in("pub"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := os.Rename(filepath.Join(r.dir, "pub"), filepath.Join(r.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	r.put("pub/y", "private")
	if err := os.Chmod(filepath.Join(r.dir, "pub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := unix.Openat(fd, "y", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(got)
		t.Error("reached a file of another folder")
	}
}

func TestNodeTable(t *testing.T) {
	key := func(path string) nodeKey { return nodeKey{path: path, kind: kindFile} }
	tb := newTable(&node{key: nodeKey{}})
	a := tb.look(&node{key: key("a")})
	if b := tb.look(&node{key: key("a")}); b != a || a.refs != 2 {
		t.Fatal("the same key gave another node")
	}
	tb.forget(a.id, 1)
	if tb.get(a.id) != a {
		t.Error("forgotten while the kernel has a reference")
	}
	tb.retire(a)
	c := tb.look(&node{key: key("a")})
	if c == a || c.id == a.id {
		t.Error("a retired node was given again")
	}
	tb.forget(a.id, 1)
	if tb.get(a.id) != nil || tb.byKey[key("a")] != c {
		t.Error("forgetting the old node took the new one's key")
	}
	tb.forget(c.id, 99)
	tb.forget(12345, 1)
	tb.forget(1, 1)
	if len(tb.byID) != 1 || len(tb.byKey) != 1 {
		t.Errorf("left: %d nodes, %d keys", len(tb.byID), len(tb.byKey))
	}
}
