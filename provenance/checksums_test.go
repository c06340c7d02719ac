package provenance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/provenance/pins"
)

// dirTree is a folder on disk as a Tree. The files in it are made by the tests, and hold no links out.
type dirTree string

func (d dirTree) Open(path string) (*os.File, error) { return os.Open(filepath.Join(string(d), path)) }

// Path looks at a name as the mount's tree does.
func (d dirTree) Path(path string) (*os.File, error) {
	return os.OpenFile(filepath.Join(string(d), path), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// openTree is a Tree that can do no more than it must.
type openTree struct{ d dirTree }

func (t openTree) Open(path string) (*os.File, error) { return t.d.Open(path) }

// write puts files into a folder, with timestamps of long ago, so that evidence about them is not Racy on mtime alone.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func subject(path, content string, links ...string) Subject {
	return Subject{
		Path: path, Links: links, SHA256: sha256.Sum256([]byte(content)), Size: int64(len(content)),
		File: bytes.NewReader([]byte(content)),
	}
}

func gather(t *testing.T, o Options, dir string, s Subject) *Evidence {
	t.Helper()
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Evidence(context.Background(), dirTree(dir), s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func sumOf(content string) string { return integrity.Digest(sha256.Sum256([]byte(content))).String() }

func TestListsInTheTree(t *testing.T) {
	good, bad := sumOf("model"), sumOf("other")
	tests := []struct {
		name, path string
		files      map[string]string
		trust      string // which file is named by the configuration
		state      string
		trusted    bool
		findings   int
	}{
		{"no list", "m.bin", nil, "", ChecksumNone, false, 0},
		{"match", "m.bin", map[string]string{"checksums.txt": good + "  m.bin\n"}, "", ChecksumMatch, false, 0},
		{"trusted match", "m.bin", map[string]string{"checksums.txt": good + "  m.bin\n"}, "checksums.txt", ChecksumMatch, true, 0},
		{"mismatch", "m.bin", map[string]string{"SHA256SUMS": bad + "  m.bin\n"}, "", ChecksumMismatch, false, 0},
		{"unlisted", "m.bin", map[string]string{"SHA256SUMS": bad + "  n.bin\n"}, "", ChecksumUnlisted, false, 0},
		{"list above", "a/b/m.bin", map[string]string{"checksums.txt": good + "  a/b/m.bin\n"}, "", ChecksumMatch, false, 0},
		{"list above, own folder's name only", "a/m.bin", map[string]string{"checksums.txt": bad + "  m.bin\n"}, "", ChecksumUnlisted, false, 0},
		{"list half way", "a/b/m.bin", map[string]string{"a/checksums.txt": good + "  b/m.bin\n"}, "a/checksums.txt", ChecksumMatch, true, 0},
		{"sibling's list", "a/m.bin", map[string]string{"b/checksums.txt": bad + "  ../a/m.bin\n"}, "", ChecksumNone, false, 0},
		{"own list, bare", "a/m.bin", map[string]string{"a/m.bin.sha256": good}, "", ChecksumMatch, false, 0},
		{"own list, bare, trusted", "a/m.bin", map[string]string{"a/m.bin.sha256": good}, "a/m.bin.sha256", ChecksumMatch, true, 0},
		{"own list, named", "a/m.bin", map[string]string{"a/m.bin.sha256": bad + "  m.bin"}, "", ChecksumMismatch, false, 0},
		{"mismatch beats trusted match", "a/m.bin", map[string]string{"checksums.txt": good + "  a/m.bin\n", "a/SHA256SUMS": bad + "  m.bin\n"}, "checksums.txt", ChecksumMismatch, false, 0},
		{"trusted match beats match", "a/m.bin", map[string]string{"checksums.txt": good + "  a/m.bin\n", "a/SHA256SUMS": good + "  m.bin\n"}, "checksums.txt", ChecksumMatch, true, 0},
		{"match beats unlisted", "a/m.bin", map[string]string{"checksums.txt": good + "  x\n", "a/SHA256SUMS": good + "  m.bin\n"}, "checksums.txt", ChecksumMatch, false, 0},
		{"bad line", "m.bin", map[string]string{"checksums.txt": "what\n" + good + "  m.bin\n"}, "", ChecksumMatch, false, 1},
		{"many bad lines", "m.bin", map[string]string{"checksums.txt": strings.Repeat("what\n", 9)}, "", ChecksumUnlisted, false, 4},
		{"other algorithm", "m.bin", map[string]string{"checksums.txt": strings.Repeat("0", 32) + "  m.bin\n"}, "", ChecksumUnlisted, false, 1},
		{"blob", "blobs/" + good, nil, "", ChecksumMatch, false, 0},
		{"wrong blob", "blobs/" + bad, nil, "", ChecksumMismatch, false, 0},
		{"wrong Ollama blob", "blobs/sha256-" + bad, nil, "", ChecksumMismatch, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			o := Options{Root: dir}
			if tt.trust != "" {
				o.Checksums = []string{filepath.Join(dir, tt.trust)}
			}
			e := gather(t, o, dir, subject(tt.path, "model"))
			if e.Checksum != tt.state || e.ChecksumTrusted != tt.trusted || len(e.Findings) != tt.findings {
				t.Errorf("checksum %s, trusted %v, findings %v; want %s, %v, %d", e.Checksum, e.ChecksumTrusted, e.Findings, tt.state, tt.trusted, tt.findings)
			}
			if e.Checksum == ChecksumMismatch && (e.Expected != bad || e.Actual != good) {
				t.Errorf("expected %s, actual %s", e.Expected, e.Actual)
			}
		})
	}
}

func TestListsCoverLinks(t *testing.T) {
	dir, blob := t.TempDir(), "models--a--b/blobs/"+sumOf("model")
	link := "models--a--b/snapshots/1/pytorch_model.bin"
	list := filepath.Join(dir, "models--a--b/snapshots/1/checksums.txt")
	write(t, dir, map[string]string{"models--a--b/snapshots/1/checksums.txt": sumOf("model") + "  pytorch_model.bin"})
	e := gather(t, Options{Root: dir, Checksums: []string{list}}, dir, subject(blob, "model", link))
	if e.Checksum != ChecksumMatch || !e.ChecksumTrusted {
		t.Errorf("a trusted list beside the link: %+v", e)
	}
	e = gather(t, Options{}, dir, subject(blob, "model", link))
	if e.Checksum != ChecksumMatch || e.ChecksumTrusted {
		t.Errorf("the same list without trust: %+v", e)
	}
}

func TestListsOutsideTheTree(t *testing.T) {
	out, tree := t.TempDir(), t.TempDir()
	list := filepath.Join(out, "approved")
	for name, line := range map[string]string{
		"relative": sumOf("model") + "  a/m.bin", "absolute": sumOf("model") + "  " + tree + "/a/m.bin",
	} {
		write(t, out, map[string]string{"approved": line})
		e := gather(t, Options{Root: tree, Checksums: []string{list}}, tree, subject("a/m.bin", "model"))
		if e.Checksum != ChecksumMatch || !e.ChecksumTrusted {
			t.Errorf("%s: %s, trusted %v", name, e.Checksum, e.ChecksumTrusted)
		}
	}
	spoil := map[string]func() error{
		"writable by others": func() error { return os.Chmod(list, 0o666) },
		"gone":               func() error { return os.Remove(list) },
	}
	for _, name := range []string{"writable by others", "gone"} {
		if err := spoil[name](); err != nil {
			t.Fatal(err)
		}
		v, err := New(Options{Checksums: []string{list}})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := v.Evidence(context.Background(), dirTree(tree), subject("a/m.bin", "model")); err == nil {
			t.Errorf("%s: no error, %+v", name, e)
		}
	}
}

func TestPinsCountAtOnce(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "pins")
	v, err := New(Options{Pins: state})
	if err != nil {
		t.Fatal(err)
	}
	s := subject("m.bin", "model")
	see := func(want bool) *Evidence {
		t.Helper()
		e, err := v.Evidence(context.Background(), dirTree(dir), s)
		if err != nil || e.Pinned != want {
			t.Fatalf("pinned %v, %v; want %v", e != nil && e.Pinned, err, want)
		}
		return e
	}
	before := see(false)
	if !Current(dirTree(dir), before.Inputs) {
		t.Error("evidence of absent inputs is outdated though nothing changed")
	}
	if err := pins.At(state).Pin(pins.Pin{Digest: s.SHA256, Accept: []string{"reduce"}}); err != nil {
		t.Fatal(err)
	}
	if Current(dirTree(dir), before.Inputs) {
		t.Error("evidence without the pin is current though it was pinned")
	}
	if e := see(true); len(e.Accepts) != 1 || e.Accepts[0] != "reduce" {
		t.Errorf("accepts %v", e.Accepts)
	}
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Evidence(context.Background(), dirTree(dir), s); err == nil {
		t.Error("a directory of pins that all can write to was used")
	}
}

func TestCurrent(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"checksums.txt": sumOf("model") + "  m.bin\n"})
	e := gather(t, Options{}, dir, subject("m.bin", "model"))
	if Current(dirTree(dir), e.Inputs) {
		t.Error("an input that was written just now is taken for current")
	}
	for i := range e.Inputs { // as if the list were older
		e.Inputs[i].Racy = false
	}
	if !Current(dirTree(dir), e.Inputs) {
		t.Fatal("not current though nothing changed")
	}
	if Current(nil, e.Inputs) {
		t.Error("current without a tree")
	}
	write(t, dir, map[string]string{"m.bin.sha256": ""})
	if Current(dirTree(dir), e.Inputs) {
		t.Error("current though an absent list came")
	}
	os.Remove(filepath.Join(dir, "m.bin.sha256"))
	if !Current(dirTree(dir), e.Inputs) {
		t.Error("outdated though all is as before")
	}
	write(t, dir, map[string]string{"checksums.txt": sumOf("model") + "  x.bin\n"})
	if Current(dirTree(dir), e.Inputs) {
		t.Error("current though the list changed")
	}
}

// TestCurrentByFolders has folders answer for the names that are not in them, and not for more than that.
func TestCurrentByFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a/b/m.bin": "model", "checksums.txt": "# nothing\n"})
	if err := os.Symlink("later", filepath.Join(dir, "a/SHA256SUMS")); err != nil { // leads nowhere yet
		t.Fatal(err)
	}
	v := must(New(Options{}))
	for _, tree := range []Tree{dirTree(dir), openTree{dirTree(dir)}} {
		changes := map[string]func() (undo func()){
			"a new list beside": func() func() {
				write(t, dir, map[string]string{"a/b/SHA256SUMS": "x"})
				return func() { os.Remove(filepath.Join(dir, "a/b/SHA256SUMS")) }
			},
			"a new manifest above": func() func() {
				write(t, dir, map[string]string{"a/model.sig": "x"})
				return func() { os.Remove(filepath.Join(dir, "a/model.sig")) }
			},
			"the link leads somewhere": func() func() {
				write(t, dir, map[string]string{"a/later": "x"})
				return func() { os.Remove(filepath.Join(dir, "a/later")) }
			},
			"another folder in its place": func() func() {
				os.Rename(filepath.Join(dir, "a/b"), filepath.Join(dir, "a/old"))
				write(t, dir, map[string]string{"a/b/m.bin.sig": "x"})
				return func() {
					os.RemoveAll(filepath.Join(dir, "a/b"))
					os.Rename(filepath.Join(dir, "a/old"), filepath.Join(dir, "a/b"))
				}
			},
		}
		for what, change := range changes {
			e, err := v.Evidence(context.Background(), tree, subject("a/b/m.bin", "model"))
			if err != nil {
				t.Fatal(err)
			}
			for i := range e.Inputs { // as if all were older
				e.Inputs[i].Racy = false
			}
			if !Current(tree, e.Inputs) {
				t.Fatalf("%T: outdated before anything changed", tree)
			}
			undo := change()
			if Current(tree, e.Inputs) {
				t.Errorf("%T, %s: still current", tree, what)
			}
			undo()
			if !Current(tree, e.Inputs) {
				t.Errorf("%T, %s and undone: outdated, though every name is as it was", tree, what)
			}
			write(t, dir, map[string]string{"a/b/unrelated": "x"})
			if !Current(tree, e.Inputs) {
				t.Errorf("%T: outdated by an unrelated name", tree)
			}
			os.Remove(filepath.Join(dir, "a/b/unrelated"))
		}
	}
}

func TestRacy(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		ctime int64
		want  bool
	}{{900, false}, {997, false}, {999, true}, {1000, true}, {5000, true}} {
		if got := racy(integrity.Identity{Ctime: tt.ctime * 1e9}, now); got != tt.want {
			t.Errorf("changed at %d, read at 1000: %v", tt.ctime, got)
		}
	}
}

func TestLargeListConvictsNobodyElse(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	f.Close()
	e := gather(t, Options{}, dir, subject("m.bin", "model"))
	if e.Checksum != ChecksumNone || len(e.Findings) != 1 || e.Findings[0].Rule != formats.RuleProvenanceUnverifiable {
		t.Errorf("%+v", e)
	}
}
