package fs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func (r *rig) link(target, name string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		r.t.Fatal(err)
	}
}

func TestLinksInTheTree(t *testing.T) {
	r := newRig(t)
	r.put("blobs/abc", "blob")
	r.put("top", "top")
	r.put("a/b/c/deep", "deep")
	r.link("a/b", "ab")   // to a folder
	r.link(".", "a/here") // to its own folder
	for _, c := range []struct{ name, target, want, content string }{
		{"snapshots/main/model.bin", "../../blobs/abc", "../../blobs/abc", "blob"},
		{"same", "top", "top", "top"},
		{"dots", "./a/./../top", "top", "top"},
		{"a/up", "../top", "../top", "top"},
		{"absolute", r.dir + "/blobs/abc", "blobs/abc", "blob"},
		{"a/b/mounted", r.mnt + "/top", "../../top", "top"},
		{"climbs/back", "../../models/top", "../top", "top"}, // out of the tree and in again by its own name
		{"through", "ab/c/../../../top", "top", "top"},       // ab is a link: ".." means a/b, then a, then the root
		{"through2", "a/here/../top", "top", "top"},
		{"dangling", "nowhere/at/all", "nowhere/at/all", ""},
		{"dangling2", "nowhere/../top", "nowhere", ""},
		{"root", ".", ".", ""},
		{"a/root", "..", "..", ""},
		{"slash", r.dir, ".", ""},
	} {
		r.link(c.target, c.name)
		got, err := os.Readlink(r.in(c.name))
		if err != nil || got != c.want {
			t.Errorf("%s -> %s: readlink %q, %v, want %q", c.name, c.target, got, err, c.want)
		}
		if c.content == "" {
			continue
		}
		if b, err := readFileRaw(r.in(c.name)); err != nil || string(b) != c.content {
			t.Errorf("%s -> %s: read %q, %v", c.name, c.target, b, err)
		}
	}
	if _, traversals, _ := r.gate.told(); len(traversals) > 0 {
		t.Errorf("reported as traversals: %v", traversals)
	}
}

func TestLinksOutOfTheTree(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.dir), "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.put("in/x", "x")
	r.link("..", "in/up") // fine by itself
	r.link("../in", "in/again")
	var want []string
	for name, target := range map[string]string{
		"passwd": "/etc/passwd", "up": "../secret", "in/upup": "../../secret", "proc": "/proc/self/cwd/secret",
		"prefix": r.dir + "-other/x", "back": r.dir + "/../secret", "sibling": "in/../../secret", "detour": "in/../../" + filepath.Base(r.dir) + "/in/x",
		"linked":    "in/up/../secret",       // in/up is the root; ".." from there is outside
		"in/linked": "again/up/../../secret", // a longer way to the same
		"rootdir":   "/", "parent": "..", "mnt": r.mnt + "/../secret",
	} {
		r.link(target, name)
		want = append(want, name+" -> "+target)
		_, err := os.Readlink(r.in(name))
		wantErrno(t, name+" -> "+target, err, unix.EACCES)
	}
	_, err := readFileRaw(r.in("passwd"))
	wantErrno(t, "open through a link that leaves", err, unix.EACCES)
	_, got, _ := r.gate.told()
	got = got[:len(want)]
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("traversals\n%v\nwant\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLinkLoop(t *testing.T) {
	r := newRig(t)
	r.link("b/../b/x", "a")
	r.link("a/../a", "b")
	_, err := os.Stat(r.in("a"))
	if err == nil {
		t.Fatal("a loop of links leads somewhere")
	}
}

// Links made of detours cost the reader who asks, not the daemon.
func TestLinkOfDetours(t *testing.T) {
	r := newRig(t)
	r.put("d/x", "x")
	detour := strings.Repeat("d/../", 800)
	r.link(detour+"d/x", "once")
	if got, err := os.Readlink(r.in("once")); err != nil || got != "d/x" {
		t.Errorf("one long way: %q, %v", got, err)
	}
	r.link(detour+"once", "twice")
	r.link(detour+"twice", "thrice")
	r.link("./thrice/../d/x", "start")
	_, err := os.Readlink(r.in("start"))
	wantErrno(t, "three long ways", err, unix.EACCES)
	if _, traversals, _ := r.gate.told(); len(traversals) > 0 {
		t.Errorf("reported as traversals: %.100v", traversals)
	}
}

// A folder that changes places while a link in it is read must never give the reader what lies outside the mount.
func TestRenameDuringReadlink(t *testing.T) {
	r := newRig(t)
	base := filepath.Dir(r.dir)
	if err := os.WriteFile(filepath.Join(base, "secret"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.put("d1/d2/d3/keep", "")
	r.put("secret", "inside")
	r.link("../../../secret", "d1/d2/d3/l")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		deep, high := filepath.Join(r.dir, "d1/d2/d3"), filepath.Join(r.dir, "d3")
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(deep, high)
			_ = os.Rename(high, deep)
		}
	}()
	read := 0
	for range 3000 {
		for _, name := range []string{"d1/d2/d3/l", "d3/l"} {
			b, err := readFileRaw(r.in(name))
			if err == nil && string(b) != "inside" {
				t.Errorf("%s gave %q", name, b)
			}
			if err == nil {
				read++
			}
		}
	}
	close(stop)
	<-done
	if read == 0 {
		t.Error("nothing was read at all")
	}
}
