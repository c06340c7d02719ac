package fs

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/provenance"
	"trustfs/testdata/gen"
	"trustfs/views"
)

// A clerk analyses and makes views in this process, as the jailed worker would elsewhere: what the tests hand it is their
// own. A file whose bytes hold "posix" has a fatal finding.
type clerk struct {
	mu    sync.Mutex
	hold  chan struct{}     // analyses wait for it, if set
	found []formats.Finding // in each view
	calls int
}

func (c *clerk) Analyse(_ context.Context, f *os.File, m *integrity.Manifest, _ []string) (*formats.Result, error) {
	c.mu.Lock()
	c.calls++
	hold := c.hold
	c.mu.Unlock()
	if hold != nil {
		<-hold
	}
	data, err := io.ReadAll(io.NewSectionReader(integrity.NewReader(f, m), 0, m.Size))
	r := &formats.Result{Format: formats.FormatPytorchZip, Class: formats.ClassModel}
	if bytes.Contains(data, []byte("posix")) {
		r.Findings = []formats.Finding{{Rule: formats.RuleGlobalDangerous, Detail: "posix.system"}}
	}
	return r, err
}

func (c *clerk) View(_ context.Context, f *os.File, m *integrity.Manifest, _ string, kind views.Kind) (*views.Answer, error) {
	a, err := views.Answering(integrity.NewReader(f, m), m.Size, kind, func(io.ReaderAt, int64) formats.Result {
		return formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel, Findings: c.found}
	})
	return &a, err
}

func (c *clerk) analyses() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// viewRig is a rig whose gate is the real one, with a clerk in the worker's place.
func viewRig(t *testing.T, mode ViewMode, from gatekeeper.ViewsFrom) (*rig, *clerk, *Claims) {
	t.Helper()
	c, claims := &clerk{}, &Claims{}
	r := newRig(t, func(o *Options) {
		examiner, err := provenance.New(provenance.Options{Root: o.Dir})
		if err != nil {
			t.Fatal(err)
		}
		gate, err := gatekeeper.New(gatekeeper.Config{Profile: gatekeeper.ProfileContent, MaxScore: 20, Analyst: c, Viewer: c, ViewsFrom: from,
			Examiner: examiner, Log: slog.New(o.Log.Handler())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		o.Gate, o.Views, o.Claims = gate, mode, claims
	})
	return r, c, claims
}

// wantView is the view of a torch file, made without a mount.
func wantView(t *testing.T, source []byte) string {
	t.Helper()
	p, err := views.Build(bytes.NewReader(source), int64(len(source)))
	if err != nil {
		t.Fatal(err)
	}
	v, err := views.NewReader(p, bytes.NewReader(source), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(io.NewSectionReader(v, 0, v.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func torchFile(start float32) []byte {
	return gen.TorchZip([]gen.Tensor{gen.Ramp("w", start, 300, 301), gen.Ramp("b", 1, 7)}, "")
}

func statOf(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return st
}

func TestViewBesideItsSource(t *testing.T) {
	r, c, _ := viewRig(t, ViewsBeside, "")
	source := torchFile(0)
	path := r.put("bert/pytorch_model.bin", string(source))
	r.put("bert/config.json", "{}")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := r.names("bert"); !slices.Equal(got, []string{"config.json", "model.safetensors", "pytorch_model.bin"}) {
		t.Errorf("listed %q", got)
	}
	if n := c.analyses(); n != 0 {
		t.Errorf("listing judged %d files", n)
	}
	want := wantView(t, source)
	view, back := statOf(t, r.in("bert/model.safetensors")), statOf(t, path)
	if view.Size != int64(len(want)) || view.Mtim != back.Mtim || view.Ino == back.Ino || view.Ino>>63 != 1 ||
		view.Mode != unix.S_IFREG|0o444 || view.Nlink != 1 {
		t.Errorf("the view: %+v, its source: %+v", view, back)
	}
	if got := r.read("bert/model.safetensors"); got != want {
		t.Errorf("the view has %d bytes, want %d", len(got), len(want))
	}
	if again := statOf(t, r.in("bert/model.safetensors")); again.Ino != view.Ino {
		t.Error("the inode number changed")
	}
	f, err := os.Open(r.in("bert/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	part := make([]byte, 1000)
	if _, err := f.ReadAt(part, 200_001); err != nil || string(part) != want[200_001:201_001] {
		t.Error("a part of the view differs: ", err)
	}
	if c.analyses() != 1 {
		t.Errorf("judged %d times", c.analyses())
	}
	for _, name := range []string{"bert/other.safetensors", "bert/config.safetensors", "model.safetensors"} {
		_, err := os.Stat(r.in(name))
		wantErrno(t, name, err, unix.ENOENT)
	}
}

// A real file always wins, also over a view that was there before it.
func TestRealFileWins(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	r.put("a.pt", string(torchFile(0)))
	if got := r.read("a.safetensors"); got != wantView(t, torchFile(0)) {
		t.Fatal("no view")
	}
	r.put("a.safetensors", "real")
	eventually(t, "the real file is seen", func() bool { return r.read("a.safetensors") == "real" })
	if got := r.names(""); !slices.Equal(got, []string{"a.pt", "a.safetensors"}) {
		t.Errorf("listed %q", got)
	}
}

func TestNamesClaimedTwice(t *testing.T) {
	r, c, claims := viewRig(t, ViewsBeside, "")
	r.put("d/a.pt", string(torchFile(0)))
	second := r.put("d/a.ckpt", string(torchFile(1)))
	_, err := os.Stat(r.in("d/a.safetensors"))
	wantErrno(t, "a view that two files claim", err, unix.ENOENT)
	if got := r.names("d"); slices.Contains(got, "a.safetensors") || c.analyses() != 0 {
		t.Errorf("listed %q, judged %d", got, c.analyses())
	}
	if got := claims.Names(); !slices.Equal(got, []string{"d/a.safetensors"}) || strings.Count(r.log.String(), "several files claim") != 1 {
		t.Errorf("claims %q", got)
	}
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(second, 0o755); err != nil { // a folder claims nothing
		t.Fatal(err)
	}
	if got := r.read("d/a.safetensors"); got != wantView(t, torchFile(0)) || len(claims.Names()) != 0 {
		t.Errorf("afterwards: %d bytes, claims %q", len(got), claims.Names())
	}
}

func TestOnlyHidesTheSources(t *testing.T) {
	r, _, _ := viewRig(t, ViewsOnly, "")
	r.put("pytorch_model-00001-of-00001.bin", string(torchFile(0)))
	r.put("pytorch_model.bin.index.json", `{"metadata":{"total_size":5},"weight_map":{"w":"pytorch_model-00001-of-00001.bin"}}`)
	r.put("config.json", "{}")
	r.put("x.ckpt/inside", "a folder is no pickle")
	r.link("pytorch_model-00001-of-00001.bin", "alias")
	want := []string{"alias", "config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json", "x.ckpt"}
	if got := r.names(""); !slices.Equal(got, want) {
		t.Errorf("listed %q", got)
	}
	for _, name := range []string{"pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json", "alias"} {
		_, err := readFileRaw(r.in(name))
		wantErrno(t, name, err, unix.ENOENT)
	}
	if got := r.read("model.safetensors.index.json"); !strings.Contains(got, `"w": "model-00001-of-00001.safetensors"`) {
		t.Errorf("the index: %s", got)
	}
	if got := r.read("model-00001-of-00001.safetensors"); got != wantView(t, torchFile(0)) {
		t.Error("the shard differs")
	}
	if got := r.read("x.ckpt/inside"); got == "" {
		t.Error("a folder is hidden")
	}
}

func TestHostileSource(t *testing.T) {
	tensors := []gen.Tensor{gen.Ramp("w", 0, 4, 4)}
	hostile := string(gen.TorchZip(tensors, "/nowhere/marker"))
	r, _, _ := viewRig(t, ViewsBeside, gatekeeper.ViewsFromClean)
	r.put("a.pt", hostile)
	r.put("words.pkl", string(gen.Harmless()))
	for _, name := range []string{"a.safetensors", "words.safetensors"} {
		_, err := readFileRaw(r.in(name))
		wantErrno(t, "a view of a refused source, of one without tensors: "+name, err, unix.ENOENT)
	}
	if got := r.log.String(); !strings.Contains(got, "posix.system") || !strings.Contains(got, "it holds no tensor") {
		t.Errorf("the log does not say why: %s", got)
	}
	r, _, _ = viewRig(t, ViewsBeside, gatekeeper.ViewsFromDisarm)
	r.put("a.pt", hostile)
	_, err := readFileRaw(r.in("a.pt"))
	wantErrno(t, "the source", err, unix.EACCES)
	if got := r.read("a.safetensors"); got != wantView(t, gen.TorchZip(tensors, "")) {
		t.Errorf("disarmed: %q", got)
	} else if strings.Contains(got, "posix") || strings.Contains(got, "marker") {
		t.Error("code is left in the view")
	}
}

// A view is refused for what it holds itself: it can be seen, and not opened.
func TestRefusedView(t *testing.T) {
	r, c, _ := viewRig(t, ViewsBeside, "")
	c.found = []formats.Finding{{Rule: formats.RuleFormatMalformed}}
	r.put("a.pt", string(torchFile(0)))
	statOf(t, r.in("a.safetensors"))
	_, err := readFileRaw(r.in("a.safetensors"))
	wantErrno(t, "a refused view", err, unix.EACCES)
	if r.read("a.pt") != string(torchFile(0)) {
		t.Error("its source is another file")
	}
}

// A source that is written while its view is read gives EIO; the next open shows the new content.
func TestSourceWrittenWhileItsViewIsRead(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	path := r.put("a.pt", string(torchFile(0)))
	f, err := os.Open(r.in("a.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	old := wantView(t, torchFile(0))
	head := make([]byte, 100)
	if _, err := f.ReadAt(head, 0); err != nil || string(head) != old[:100] {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, torchFile(7), 0o644); err != nil { // in place, of the same size
		t.Fatal(err)
	}
	_, err = f.ReadAt(head, int64(len(old))-200_000)
	wantErrno(t, "read after the source changed", err, unix.EIO)
	if !strings.Contains(r.log.String(), "msg=model.tampered path=a.pt ") {
		t.Errorf("the log does not say that the source was tampered with: %s", r.log)
	}
	f.Close()
	eventually(t, "the new view", func() bool {
		b, err := readFileRaw(r.in("a.safetensors"))
		return err == nil && string(b) == wantView(t, torchFile(7))
	})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no view without a source", func() bool { _, err := os.Stat(r.in("a.safetensors")); return os.IsNotExist(err) })
}

func TestViewInAHubCache(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	const repo, snapshot = "hub/models--acme--tiny", "hub/models--acme--tiny/snapshots/abc"
	r.put(repo+"/blobs/0123", string(torchFile(0)))
	r.put(repo+"/blobs/x.pt", string(torchFile(0)))
	r.link("../../blobs/0123", snapshot+"/pytorch_model.bin")
	r.link("pytorch_model.bin", snapshot+"/chain.pt")
	r.link("../../../../../outside", snapshot+"/out.pt")
	if got := r.read(snapshot + "/model.safetensors"); got != wantView(t, torchFile(0)) {
		t.Error("the view beside the link differs")
	}
	if got := r.names(repo + "/blobs"); !slices.Equal(got, []string{"0123", "x.pt"}) {
		t.Errorf("in blobs: %q", got)
	}
	for _, name := range []string{repo + "/blobs/x.safetensors", snapshot + "/chain.safetensors", snapshot + "/out.safetensors"} {
		_, err := os.Stat(r.in(name))
		wantErrno(t, name, err, unix.ENOENT)
	}
	// The daemon follows the link in the reader's place; it must not lead him through a folder that is closed to him.
	if err := os.Chmod(filepath.Join(r.dir, repo, "blobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a closed folder on the way hides the view", func() bool {
		_, err := os.Stat(r.in(snapshot + "/model.safetensors"))
		return os.IsNotExist(err)
	})
	for _, dir := range []string{snapshot, repo + "/snapshots", repo} { // all closed alike: who is here may go there
		if err := os.Chmod(filepath.Join(r.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "folders of the same rights", func() bool {
		_, err := os.Stat(r.in(snapshot + "/model.safetensors"))
		return err == nil
	})
}

func TestReportOfAView(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	path := r.put("d/a.pt", string(torchFile(0)))
	if err := unix.Setxattr(path, "user.comment", []byte("of the pickle"), 0); err != nil {
		t.Logf("no user attributes here (%v)", err)
	}
	get := func(name string) string {
		buf := make([]byte, 1<<16)
		n, err := unix.Getxattr(r.in("d/a.safetensors"), name, buf)
		if err != nil {
			return err.Error()
		}
		return string(buf[:n])
	}
	m, err := integrity.Build(t.Context(), strings.NewReader(wantView(t, torchFile(0))), int64(len(wantView(t, torchFile(0)))), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"user.trustfs.verdict": "allow", "user.trustfs.score": "0", "user.trustfs.sha256": m.Digest.String(),
		"user.comment": unix.ENODATA.Error(),
	} {
		if got := get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	whole, err := os.ReadFile(r.in(".trustfs/report/d/a.safetensors.json"))
	if err != nil {
		t.Fatal(err)
	}
	for from, text := range map[string]string{"attribute": get("user.trustfs.report"), "report": string(whole)} {
		var report gatekeeper.Report
		if err := json.Unmarshal([]byte(text), &report); err != nil || report.Facts.ViewOf != "d/a.pt" || report.Path != "d/a.safetensors" {
			t.Errorf("%s: %v: %s", from, err, text)
		}
	}
	if got := r.names(".trustfs/report/d"); !slices.Equal(got, []string{"a.pt.json", "a.safetensors.json"}) {
		t.Errorf("reports: %q", got)
	}
	if _, err := os.Stat(r.in(".trustfs/report/d/b.safetensors.json")); !os.IsNotExist(err) {
		t.Error("a report of what is not there: ", err)
	}
}

// A look at a view waits for a judgement, and a signal ends the wait.
func TestInterruptedLookAtAView(t *testing.T) {
	r, c, _ := viewRig(t, ViewsBeside, "")
	c.hold = make(chan struct{})
	r.put("a.pt", string(torchFile(0)))
	reader := startChild(t, "open", r.in("a.safetensors"))
	tid := reader.tid(t)
	eventually(t, "the judgement begins", func() bool { return c.analyses() == 1 })
	if err := unix.Tgkill(reader.cmd.Process.Pid, tid, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := reader.line(); got != "result: interrupted system call" {
		t.Errorf("the reader got %q", got)
	}
	close(c.hold)
	eventually(t, "the judgement went on", func() bool { _, err := os.Stat(r.in("a.safetensors")); return err == nil })
	if c.analyses() != 1 {
		t.Errorf("judged %d times", c.analyses())
	}
}

func TestViewsNeedAGateThatGivesThem(t *testing.T) {
	for _, o := range []Options{{Gate: newTestGate(), Views: ViewsBeside}, {Gate: newTestGate(), Views: "all"}} {
		if _, err := newViewing(o); err == nil {
			t.Errorf("views %q with a gate that has none", o.Views)
		}
	}
}
