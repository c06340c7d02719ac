package walk

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"trustfs/internal/beneath"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "b", "x.pt"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "b", "x.pt", "w"), []byte("123"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o644))
	must(t, syscall.Mkfifo(filepath.Join(dir, "c"), 0o644))
	must(t, os.Symlink("b/x.pt/w", filepath.Join(dir, "in")))
	must(t, os.Symlink("../x", filepath.Join(dir, "b", "in-too")))
	must(t, os.Symlink("../../x", filepath.Join(dir, "b", "out")))
	must(t, os.Symlink(dir+"/b", filepath.Join(dir, "in-by-full-name")))
	must(t, os.Symlink(dir+"/b/../..", filepath.Join(dir, "out-by-full-name")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	root, err := beneath.Open(dir)
	must(t, err)
	defer root.Close()
	got, err := Tree(context.Background(), root, "")
	must(t, err)
	want := []Entry{
		{Path: "a\xff", Kind: Regular},
		{Path: "b/out", Kind: Escape, Why: "link to ../../x leads out of the tree"},
		{Path: "b/x.pt/w", Kind: Regular, Size: 3},
		{Path: "c", Why: "not a regular file"},
		{Path: "out", Kind: Escape, Why: "link to /etc/passwd leads out of the tree"},
		{Path: "out-by-full-name", Kind: Escape, Why: "link to " + dir + "/b/../.. leads out of the tree"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLeads(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		want         bool
	}{
		{"a", "b", true},
		{"a", "../b", false},
		{"d/a", "../b", true},
		{"d/a", "../../b", false},
		{"d/a", "x/../../b", true},
		{"d/a", "../../d/b", false}, // leaves the tree on its way, even if it came back
		{"a", "/b", false},
		{"d/a", "./.././b", true},
	} {
		if got := leads(tt.name, tt.target); got != tt.want {
			t.Errorf("leads(%q, %q) = %v", tt.name, tt.target, got)
		}
	}
}

func TestSplit(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	blobs := filepath.Join(dir, "models--a--b", "blobs")
	must(t, os.MkdirAll(blobs, 0o755))
	must(t, os.WriteFile(filepath.Join(blobs, "f00"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644))
	must(t, os.Symlink(filepath.Join(blobs, "f00"), filepath.Join(dir, "link.pt")))
	for _, tt := range []struct{ name, root, rel string }{
		{dir, dir, ""},
		{filepath.Join(dir, "plain"), dir, "plain"},
		{filepath.Join(dir, "link.pt"), dir, "models--a--b/blobs/f00"},
	} {
		root, rel, err := Split(tt.name)
		if err != nil || root != tt.root || rel != tt.rel {
			t.Errorf("Split(%s) = %s, %s, %v", tt.name, root, rel, err)
		}
	}
	if _, _, err := Split(filepath.Join(dir, "absent")); err == nil {
		t.Error("an absent file was split")
	}
}
