package advice

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/policy"
	"trustfs/provenance"
)

// An analyst finds nothing, and counts.
type analyst struct{ calls atomic.Int64 }

func (a *analyst) Analyse(context.Context, *os.File, *integrity.Manifest, []string) (*formats.Result, error) {
	a.calls.Add(1)
	return &formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}, nil
}

// A store is many small models behind a gate with a policy.
type store struct {
	root    *beneath.Root
	gate    *gatekeeper.Gate
	analyst *analyst
	policy  string
	read    atomic.Int64 // bytes hashed
}

func newStore(t testing.TB, files int, rego string) *store {
	t.Helper()
	dir := t.TempDir()
	s := &store{analyst: &analyst{}}
	for i := range files {
		name := filepath.Join(dir, fmt.Sprintf("%03d", i/100), fmt.Sprintf("%05d.safetensors", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.root, err = beneath.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.root.Close() })
	verifier, err := provenance.New(provenance.Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := gatekeeper.Config{Profile: gatekeeper.ProfileContent, MaxScore: 20, Analyst: s.analyst, Examiner: verifier}
	if rego != "" {
		s.policy = filepath.Join(t.TempDir(), "p.rego")
		s.put(t, rego)
		a, err := New([]string{s.policy}, "", policy.Context{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Adviser = a
	}
	if s.gate, err = gatekeeper.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.gate.Close)
	return s
}

func (s *store) put(t testing.TB, rego string) {
	t.Helper()
	if err := os.WriteFile(s.policy, []byte("package trustfs\n"+rego+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// open judges file i as an open by uid does, and gives the verdict.
func (s *store) open(i int, uid uint32) (gatekeeper.Verdict, error) {
	name := fmt.Sprintf("%03d/%05d.safetensors", i/100, i)
	f, err := s.root.Regular(name)
	if err != nil {
		return gatekeeper.Deny, err
	}
	defer f.Close()
	j, err := s.gate.Judge(context.Background(), gatekeeper.Subject{
		File: f, Path: name, Tree: s.root, Opener: &gatekeeper.Opener{UID: uid}, Progress: func(done int64) { s.read.Add(done) },
	})
	if err != nil {
		return gatekeeper.Deny, err
	}
	return j.Report.Verdict, nil
}

// openAll opens every file once, by as many readers as there are cores.
func (s *store) openAll(t testing.TB, files int, want gatekeeper.Verdict) {
	t.Helper()
	var group errgroup.Group
	readers := runtime.GOMAXPROCS(0)
	for r := range readers {
		group.Go(func() error {
			for i := r; i < files; i += readers {
				if got, err := s.open(i, 1); err != nil || got != want {
					return fmt.Errorf("file %d: %s, %v; expected %s", i, got, err, want)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// What the policy has answered is recalled for that opener alone, as long as the policy stays.
func TestRecallIsForOneOpener(t *testing.T) {
	s := newStore(t, 1, `deny contains "no" if input.opener.uid == 7`)
	time.Sleep(2100 * time.Millisecond) // the folders settle: only the policy is in question
	remembered := func(uid uint32) bool {
		name := "000/00000.safetensors"
		f, err := s.root.Regular(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		j, ok := s.gate.Remembered(gatekeeper.Subject{File: f, Path: name, Tree: s.root, Opener: &gatekeeper.Opener{UID: uid}})
		return ok && j.Report.Verdict == gatekeeper.Allow
	}
	opened := func(uid uint32, want gatekeeper.Verdict) {
		t.Helper()
		if got, err := s.open(0, uid); err != nil || got != want {
			t.Errorf("user %d: %s, %v", uid, got, err)
		}
	}
	if remembered(1) {
		t.Error("remembered before anybody opened")
	}
	opened(1, gatekeeper.Allow)
	if !remembered(1) {
		t.Error("an answer that was given is not remembered")
	}
	if remembered(2) || remembered(7) {
		t.Error("one opener's answer is another's")
	}
	opened(7, gatekeeper.Deny)
	if remembered(7) {
		t.Error("a refusal is remembered as an admission")
	}
	s.put(t, `deny contains "no" if input.opener.uid == 1`)
	if remembered(1) {
		t.Error("the answer of a policy before this one is remembered")
	}
	opened(1, gatekeeper.Deny)
	opened(7, gatekeeper.Allow)
	s.put(t, `deny contains "no" if input.opener.executable == "/bin/false"`)
	if _, err := s.open(0, 1); err != nil || remembered(1) {
		t.Errorf("a hint that has to be looked up is not looked up: %v", err)
	}
}

const (
	silent    = `deny contains "never" if input.report.score > 100`
	objecting = `deny contains "no" if input.report.score < 100`
)

// A changed policy makes every verdict anew, and reads and analyses nothing for it.
func TestANewPolicyTouchesNoBytes(t *testing.T) {
	const files = 300
	s := newStore(t, files, silent)
	s.openAll(t, files, gatekeeper.Allow)
	read, calls := s.read.Load(), s.analyst.calls.Load()
	if read == 0 || calls != files {
		t.Fatalf("at first: %d bytes read, %d analyses", read, calls)
	}
	s.put(t, objecting)
	s.openAll(t, files, gatekeeper.Deny)
	if s.read.Load() != read || s.analyst.calls.Load() != calls {
		t.Errorf("for a changed policy %d bytes were read and %d files analysed", s.read.Load()-read, s.analyst.calls.Load()-calls)
	}
}

// BenchmarkChangedPolicy is what 10,000 verdicts cost after a policy has changed; the goal is under 2 s.
func BenchmarkChangedPolicy(b *testing.B) {
	const files = 10_000
	s := newStore(b, files, silent)
	s.openAll(b, files, gatekeeper.Allow)
	time.Sleep(2100 * time.Millisecond) // the folders settle
	read, calls := s.read.Load(), s.analyst.calls.Load()
	next := []struct {
		rego string
		want gatekeeper.Verdict
	}{{objecting, gatekeeper.Deny}, {silent, gatekeeper.Allow}}
	before, rounds := cpuTime(b), 0
	for ; b.Loop(); rounds++ {
		s.put(b, next[rounds%2].rego)
		s.openAll(b, files, next[rounds%2].want)
	}
	b.ReportMetric((cpuTime(b)-before).Seconds()/float64(rounds), "cpu-s/op") // what a loaded machine does not change much
	if s.read.Load() != read {
		b.Errorf("%d bytes were read again", s.read.Load()-read)
	}
	b.ReportMetric(float64(s.analyst.calls.Load()-calls), "analyses")
}

func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCachedVerdict is a judgement out of the cache: without a policy, with one, and with one on the opener.
func BenchmarkCachedVerdict(b *testing.B) {
	for _, tt := range []struct{ name, rego string }{
		{"none", ""}, {"file", silent}, {"opener", `deny contains "no" if input.opener.uid == 7`},
	} {
		b.Run(tt.name, func(b *testing.B) {
			s := newStore(b, 1, tt.rego)
			time.Sleep(2100 * time.Millisecond)
			for b.Loop() {
				if v, err := s.open(0, 1); err != nil || v != gatekeeper.Allow {
					b.Fatal(v, err)
				}
			}
		})
	}
}
