package gatekeeper

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/provenance"
)

// analyst answers with what a test says, and counts.
type analyst struct {
	result formats.Result
	err    error
	calls  atomic.Int32
	names  []string
	wait   chan struct{} // if not nil, an analysis waits for it
	panics bool
}

func (a *analyst) Analyse(_ context.Context, _ *os.File, _ *integrity.Manifest, names []string) (*formats.Result, error) {
	a.calls.Add(1)
	a.names = names
	if a.wait != nil {
		<-a.wait
	}
	if a.panics {
		panic("the analyst fell")
	}
	if a.err != nil {
		return nil, a.err
	}
	r := a.result
	return &r, nil
}

// adviser is a policy in a test's hand.
type adviser struct {
	deny     []string
	err      error
	opener   bool
	epoch    uint64
	asked    atomic.Int32
	question *Question
}

func (a *adviser) Advise(_ context.Context, q *Question, o *Opener) (Advice, error) {
	a.asked.Add(1)
	a.question = q
	if a.opener && (o == nil || o.UID != 1000) {
		return Advice{Deny: a.deny}, a.err
	}
	if a.opener {
		return Advice{}, nil
	}
	return Advice{Deny: a.deny}, a.err
}
func (a *adviser) RefersToOpener() bool { return a.opener }
func (a *adviser) Epoch() uint64        { return a.epoch }

type bench struct {
	t       *testing.T
	dir     string
	tree    *beneath.Root
	analyst *analyst
	log     *bytes.Buffer
	gate    *Gate
	logMu   sync.Mutex
}

func (b *bench) Write(p []byte) (int, error) {
	b.logMu.Lock()
	defer b.logMu.Unlock()
	return b.log.Write(p)
}

// newBench is a gate over an empty tree whose files are benign safetensors models to the analyst.
func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	b.analyst = &analyst{result: formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}}
	var err error
	if b.tree, err = beneath.Open(b.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.tree.Close() })
	verifier, err := provenance.New(provenance.Options{Root: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Profile: ProfileContent, MaxScore: 20, Analyst: b.analyst, Examiner: verifier, Log: slog.New(slog.NewJSONHandler(b, nil))}
	if change != nil {
		change(&cfg)
	}
	if b.gate, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.gate.Close)
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// settle moves every timestamp of the tree's folders and lists into the past, where they prove something.
func (b *bench) settle() {
	time.Sleep(racyWindow + 100*time.Millisecond)
}

func (b *bench) judge(name string) *Judgement {
	b.t.Helper()
	return b.judgeAs(name, nil)
}

func (b *bench) judgeAs(name string, o *Opener) *Judgement {
	b.t.Helper()
	f, err := b.tree.Regular(name)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	j, err := b.gate.Judge(context.Background(), Subject{File: f, Path: name, Tree: b.tree, Opener: o})
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

func (b *bench) mustContain(r *Report, part string) {
	b.t.Helper()
	if !strings.Contains(strings.Join(r.Reasons, "\n"), part) {
		b.t.Errorf("reasons %q do not say %q", r.Reasons, part)
	}
}

func TestAdmitAndRefuse(t *testing.T) {
	danger := []formats.Finding{{Rule: formats.RuleGlobalDangerous, Detail: "posix.system", Where: "data.pkl@7"}}
	tests := []struct {
		name     string
		profile  Profile
		max      int
		findings []formats.Finding
		err      error
		panics   bool
		verdict  Verdict
		reason   string
	}{
		{name: "clean under content", profile: ProfileContent, max: 20, verdict: Allow, reason: "score 0 <= 20"},
		{name: "unsigned under strict", max: 20, verdict: Deny, reason: "score 40 > 20"},
		{name: "unsigned under a higher maximum", max: 40, verdict: Allow, reason: "score 40 <= 40"},
		{name: "one over", max: 39, verdict: Deny, reason: "score 40 > 39"},
		{name: "fatal whatever the maximum", profile: ProfileContent, max: 1 << 30, findings: danger, verdict: Deny, reason: "global_dangerous is fatal: posix.system (data.pkl@7)"},
		{name: "no analysis, no data", profile: ProfileContent, max: 1 << 30, err: errors.New("worker killed"), verdict: Deny, reason: "worker killed"},
		{name: "a fault refuses", profile: ProfileContent, max: 1 << 30, panics: true, verdict: Deny, reason: "fault in trustfs"},
		{name: "audit refuses nothing", profile: ProfileAudit, max: 20, findings: danger, verdict: Allow, reason: "audit profile"},
		{name: "audit without analysis", profile: ProfileAudit, max: 20, err: errors.New("worker killed"), verdict: Allow, reason: "worker killed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.Profile, c.MaxScore = tt.profile, tt.max })
			b.analyst.result.Findings, b.analyst.err, b.analyst.panics = tt.findings, tt.err, tt.panics
			b.write("m.safetensors", "bytes")
			j := b.judge("m.safetensors")
			if j.Report.Verdict != tt.verdict || j.Allowed() != (tt.verdict == Allow) {
				t.Errorf("verdict %v, allowed %v", j.Report.Verdict, j.Allowed())
			}
			b.mustContain(j.Report, tt.reason)
			if j.Report.Breakdown == nil || j.Report.Findings == nil || j.Report.Provenance.Checksum == "" {
				t.Error("a key of the report has no form")
			}
		})
	}
}

func TestJudgedOnce(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("a/m.pt", "bytes")
	b.settle()
	first := b.judge("a/m.pt")
	for range 5 {
		if b.judge("a/m.pt") != first {
			t.Fatal("a second open judged again")
		}
	}
	if n := b.analyst.calls.Load(); n != 1 {
		t.Errorf("%d analyses", n)
	}
	b.write("b/m.pt", "bytes") // the same bytes under the same base name: another verdict, the same findings
	if second := b.judge("b/m.pt"); second == first || b.analyst.calls.Load() != 1 {
		t.Errorf("%d analyses of the same bytes", b.analyst.calls.Load())
	}
}

func TestAChangedFileIsJudgedAgain(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("m.pt", "one")
	b.settle()
	if !b.judge("m.pt").Allowed() {
		t.Fatal("the first version is refused")
	}
	b.analyst.result.Findings = []formats.Finding{{Rule: formats.RuleGlobalDangerous}}
	b.write("m.pt", "two")
	if b.judge("m.pt").Allowed() {
		t.Error("a changed file keeps its verdict")
	}
}

// A list that comes, changes or goes changes the verdict at the next open, and the model is not analysed again.
func TestAListChangesTheVerdictAtTheNextOpen(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("d/m.pt", "bytes")
	b.settle()
	const wrong = "0000000000000000000000000000000000000000000000000000000000000000"
	right := b.judge("d/m.pt").Report.SHA256
	steps := []struct {
		list    string
		allowed bool
	}{{wrong + "  m.pt\n", false}, {right + "  m.pt\n", true}, {wrong + " *m.pt\n", false}, {"", true}}
	for _, s := range steps {
		b.write("d/checksums.txt", s.list)
		j := b.judge("d/m.pt")
		if j.Allowed() != s.allowed {
			t.Errorf("list %q: allowed %v, %q", s.list, j.Allowed(), j.Report.Reasons)
		}
		if !s.allowed {
			b.mustContain(j.Report, wrong[:16])
			b.mustContain(j.Report, right[:16])
		}
		b.settle()
		if b.judge("d/m.pt").Allowed() != s.allowed {
			t.Errorf("list %q: the cached verdict differs", s.list)
		}
	}
	if b.write("checksums.txt", wrong+"  d/m.pt\n"); b.judge("d/m.pt").Allowed() {
		t.Error("a list above the folder convicts nothing")
	}
	if n := b.analyst.calls.Load(); n != 1 {
		t.Errorf("%d analyses", n)
	}
}

func TestConcurrentOpenersShareOneJudgement(t *testing.T) {
	b := newBench(t, nil)
	b.write("m.pt", "bytes")
	b.analyst.wait = make(chan struct{})
	results := make(chan *Judgement, 20)
	for range cap(results) {
		go func() { results <- b.judge("m.pt") }()
	}
	time.Sleep(50 * time.Millisecond)
	close(b.analyst.wait)
	first := <-results
	for range cap(results) - 1 {
		if (<-results).Report.SHA256 != first.Report.SHA256 {
			t.Error("another verdict")
		}
	}
	if n := b.analyst.calls.Load(); n != 1 {
		t.Errorf("%d analyses", n)
	}
}

// An interrupted opener goes away at once; the judgement it started goes on, on a descriptor of its own.
func TestAnInterruptCancelsTheWaitNotTheJudgement(t *testing.T) {
	b := newBench(t, nil)
	b.write("m.pt", "bytes")
	b.analyst.wait = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	f, err := b.tree.Regular("m.pt")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error)
	go func() {
		_, err := b.gate.Judge(ctx, Subject{File: f, Path: "m.pt", Tree: b.tree})
		f.Close()
		gone <- err
	}()
	for b.analyst.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted opener got %v", err)
	}
	close(b.analyst.wait)
	if !b.judge("m.pt").Allowed() || b.analyst.calls.Load() != 1 {
		t.Errorf("%d analyses", b.analyst.calls.Load())
	}
}

func TestTamperedIsJudgedAfresh(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("m.pt", "bytes")
	b.settle()
	j := b.judge("m.pt")
	b.gate.Tampered("m.pt", j.Identity, &integrity.TamperError{Expected: "0123456789abcdef", Actual: "fedcba9876543210"})
	if b.judge("m.pt") == j {
		t.Error("the verdict on other bytes is still there")
	}
	if !strings.Contains(b.log.String(), `"msg":"model.tampered","path":"m.pt","expected":"0123456789abcdef","actual":"fedcba9876543210"`) {
		t.Errorf("events: %s", b.log)
	}
}

func TestBlobsAreJudgedUnderTheirLinks(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("hub/models--o--n/blobs/0123", "bytes")
	link := filepath.Join(b.dir, "hub/models--o--n/snapshots/main/sub/pytorch_model.bin")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../blobs/0123", link); err != nil {
		t.Fatal(err)
	}
	b.judge("hub/models--o--n/blobs/0123")
	if !slices.Equal(b.analyst.names, []string{"0123", "pytorch_model.bin"}) {
		t.Errorf("inspected under %q", b.analyst.names)
	}
	b.settle()
	b.judge("hub/models--o--n/blobs/0123")
	if err := os.Symlink("../../../blobs/0123", filepath.Join(filepath.Dir(link), "training_args.bin")); err != nil {
		t.Fatal(err)
	}
	b.judge("hub/models--o--n/blobs/0123")
	if len(b.analyst.names) != 3 {
		t.Errorf("a new link does not count: %q", b.analyst.names)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	p := &adviser{deny: []string{"not in production"}}
	b := newBench(t, func(c *Config) { c.Adviser = p })
	b.write("m.pt", "bytes")
	b.settle()
	j := b.judge("m.pt")
	if j.Allowed() {
		t.Fatal("the policy's objection admits")
	}
	b.mustContain(j.Report, "policy: not in production")
	p.deny, p.epoch = nil, 1
	if !b.judge("m.pt").Allowed() {
		t.Error("a changed policy changes nothing")
	}
	asked := p.asked.Load()
	if b.judge("m.pt"); p.asked.Load() != asked {
		t.Error("a policy that does not refer to the opener is asked at a cached open")
	}
	p.err, p.epoch = errors.New("undefined function"), 2
	j = b.judge("m.pt")
	if j.Allowed() {
		t.Error("a policy that fails admits")
	}
	b.mustContain(j.Report, "undefined function")
	if b.analyst.calls.Load() != 1 {
		t.Error("a changed policy reads the model again")
	}
}

func TestPolicyOnTheOpener(t *testing.T) {
	p := &adviser{opener: true, deny: []string{"not for this user"}}
	b := newBench(t, func(c *Config) { c.Adviser = p })
	b.write("m.pt", "bytes")
	for _, tt := range []struct {
		opener  *Opener
		allowed bool
	}{{&Opener{UID: 1000}, true}, {&Opener{UID: 1}, false}, {nil, false}, {&Opener{UID: 1000}, true}} {
		if j := b.judgeAs("m.pt", tt.opener); j.Allowed() != tt.allowed {
			t.Errorf("opener %+v: %q", tt.opener, j.Report.Reasons)
		}
	}
}

func TestABusyFileIsRefused(t *testing.T) {
	b := newBench(t, nil)
	b.write("m.pt", strings.Repeat("x", 1<<20))
	f, err := b.tree.Regular("m.pt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	j, err := b.gate.Judge(context.Background(), Subject{File: f, Path: "m.pt", Tree: b.tree, Progress: func(int64) {
		n++
		b.write("m.pt", strings.Repeat("y", 1<<20-n))
	}})
	if err != nil || j.Allowed() {
		t.Fatalf("%v, %v", j, err)
	}
	b.mustContain(j.Report, "busy")
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	verifier, _ := provenance.New(provenance.Options{})
	for _, c := range []Config{
		{Examiner: verifier},
		{Analyst: &analyst{}},
		{Analyst: &analyst{}, Examiner: verifier, MaxScore: -1},
		{Analyst: &analyst{}, Examiner: verifier, Profile: "lax"},
		{Analyst: &analyst{}, Examiner: verifier, Weights: map[string]int{"x": 1}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// While timestamps prove nothing yet, a verdict is made anew at each open; the log hears of it once.
func TestOneEventForOneVerdict(t *testing.T) {
	b := newBench(t, nil)
	b.write("m.pt", "bytes")
	for range 3 {
		b.judge("m.pt")
	}
	if n := strings.Count(b.log.String(), "model.admitted"); n != 1 {
		t.Errorf("%d events: %s", n, b.log)
	}
}

// A link that comes while the blob is analysed, under the names that it had before, is seen at the next open.
func TestALinkThatComesDuringTheAnalysis(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("hub/models--o--n/blobs/0123", "bytes")
	b.write("hub/models--o--n/snapshots/main/config.json", "{}")
	b.settle()
	b.analyst.wait = make(chan struct{})
	done := make(chan *Judgement)
	go func() { done <- b.judge("hub/models--o--n/blobs/0123") }()
	for b.analyst.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := os.Symlink("../../blobs/0123", filepath.Join(b.dir, "hub/models--o--n/snapshots/main/chat_template.jinja")); err != nil {
		t.Fatal(err)
	}
	b.settle() // an old change, by the time the analysis ends
	close(b.analyst.wait)
	<-done
	b.judge("hub/models--o--n/blobs/0123")
	if !slices.Contains(b.analyst.names, "chat_template.jinja") {
		t.Errorf("the verdict without the new name is kept: inspected under %q", b.analyst.names)
	}
}

// A policy that begins to care who opens, between two looks at one entry, is not passed by: what counts is whether it was
// asked for the entry.
func TestAnEntryThatNoPolicyAnsweredAsksForEachOpener(t *testing.T) {
	a := &adviser{opener: true, deny: []string{"no"}}
	b := newBench(t, func(c *Config) { c.Adviser = a })
	b.write("m.safetensors", "weights")
	b.settle()
	if j := b.judgeAs("m.safetensors", &Opener{UID: 1000}); j.Report.Verdict != Allow {
		t.Fatal(j.Report.Reasons)
	}
	a.opener = false // the epoch is still the one before
	if j := b.judgeAs("m.safetensors", &Opener{UID: 1}); j.Report.Verdict != Deny {
		t.Error("admitted without an answer of any policy")
	}
}

// A list that is a link to nothing convicts as soon as something lies where it leads, though its own folder stays as it is.
func TestADanglingLinkComesToLife(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b := newBench(t, nil)
	b.write("d/m.pt", "bytes")
	b.write("lists/other", "")
	if err := os.Symlink("../lists/checksums", filepath.Join(b.dir, "d/checksums.txt")); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if !b.judge("d/m.pt").Allowed() {
		t.Fatal("refused without a list")
	}
	b.write("lists/checksums", strings.Repeat("0", 64)+"  m.pt\n")
	if b.judge("d/m.pt").Allowed() {
		t.Error("the list that the link leads to now convicts nothing")
	}
}
