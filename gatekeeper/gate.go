package gatekeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
	"trustfs/provenance"
)

// An Analyst inspects a file's bytes in the jail. A worker that dies, hangs or answers nonsense is an error, and refuses.
type Analyst interface {
	Analyse(ctx context.Context, f *os.File, m *integrity.Manifest, names []string) (*formats.Result, error)
}

// An Examiner gathers what vouches for a file. *provenance.Verifier is one. If it has a method Epoch() string, verdicts
// reached under another epoch are made anew.
type Examiner interface {
	Evidence(ctx context.Context, tree provenance.Tree, s provenance.Subject) (*provenance.Evidence, error)
}

// An Adviser is the operator's policy: it objects to files, and is asked after everything else is known.
type Adviser interface {
	// Advise gives the policy's objections and warnings. opener is nil where nobody opens. An error refuses.
	Advise(ctx context.Context, q *Question, opener *Opener) (Advice, error)
	// RefersToOpener says whether the answer may differ from opener to opener; otherwise it is asked once a file.
	RefersToOpener() bool
	// Epoch changes whenever the policy does: verdicts of another epoch are made anew.
	Epoch() uint64
}

// A Question is what a policy may look at. All of it is immutable.
type Question struct {
	Report   *Report
	Evidence *provenance.Evidence
	Path     string   // in the tree
	Links    []string // other names in the tree that lead to the file
	File     *Attributes

	answered bool // by a policy that does not care who opens: the report has it

	mu    sync.Mutex // guards what follows
	epoch uint64
	memo  any
}

// Memo keeps what an Adviser makes of the question once, as long as its epoch stays.
func (q *Question) Memo(epoch uint64, ready func() (any, error)) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.memo != nil && q.epoch == epoch {
		return q.memo, nil
	}
	v, err := ready()
	if err != nil {
		return nil, err
	}
	q.memo, q.epoch = v, epoch
	return v, nil
}

// Attributes are the file's owner and mode.
type Attributes struct {
	UID, GID uint32
	Mode     uint32 // permission bits
}

// Advice is a policy's answer.
type Advice struct{ Deny, Warn []string }

// Config is what a Gate judges by. Its zero value is strict with a maximum score of 0.
type Config struct {
	Profile  Profile        // the terms to begin with: see Adopt
	MaxScore int            // admits this score and refuses one more
	Weights  map[string]int // operators' weights, by rule
	Require  provenance.Requirements

	Analyst   Analyst
	Viewer    Viewer // nil: no views
	ViewsFrom ViewsFrom
	Examiner  Examiner
	Adviser   Adviser
	Log       *slog.Logger
	// CacheBytes bounds what manifests and verdicts may hold in memory; 0 means 256 MiB.
	CacheBytes int64
	// Passing says that the gate ends with a command: what it remembers is for copies and links of the same bytes.
	Passing bool
}

// A Gate judges files. It is safe for parallel use.
type Gate struct {
	cfg     Config
	log     *slog.Logger
	memory  *memory
	flights flights
	spool   *spool.Spool // see UseSpool

	adopting sync.Mutex // one change of the terms at a time
	terms    atomic.Pointer[terms]
}

// New makes a Gate, or says what is missing or contradictory in the configuration.
func New(cfg Config) (*Gate, error) {
	switch {
	case cfg.Analyst == nil:
		return nil, errors.New("gatekeeper: no analyst: nothing may be admitted without an analysis in the jail")
	case cfg.Examiner == nil:
		return nil, errors.New("gatekeeper: no examiner of provenance")
	case cfg.ViewsFrom != "" && cfg.ViewsFrom != ViewsFromClean && cfg.ViewsFrom != ViewsFromDisarm:
		return nil, fmt.Errorf("views-from %q: expected clean or disarm", cfg.ViewsFrom)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	first, err := newTerms(Terms{cfg.Profile, cfg.MaxScore, cfg.Weights, cfg.Require})
	if err != nil {
		return nil, err
	}
	memory, err := newMemory(cfg.CacheBytes, cfg.Passing)
	if err != nil {
		return nil, err
	}
	g := &Gate{cfg: cfg, log: cfg.Log, memory: memory}
	g.terms.Store(first)
	return g, nil
}

// Close lets the caches go. Judgements already given stay valid.
func (g *Gate) Close() { g.memory.close() }

// Judge gives the verdict on a file, from the cache when nothing it depends on has changed. An error means that there is no
// verdict for this caller: ctx was done (the judgement goes on, for the next to ask), or the descriptor is unusable. A file
// that cannot be judged is not an error but a denial with its reason.
func (g *Gate) Judge(ctx context.Context, s Subject) (*Judgement, error) {
	id, err := integrity.IdentityOf(int(s.File.Fd()))
	if err != nil {
		return nil, err
	}
	key := verdictKey{id: id, path: s.Path}
	e := g.memory.verdict(key)
	if e == nil || !g.current(e, s.Tree) {
		if e, err = g.judgeOnce(ctx, key, s); err != nil {
			return nil, err
		}
	}
	return g.forOpener(ctx, e, s.Opener)
}

// Remembered gives the judgement of a file without any work, where it is known, still current, and either the same for
// every opener or one that the policy is known to have nothing against.
func (g *Gate) Remembered(s Subject) (*Judgement, bool) {
	id, err := integrity.IdentityOf(int(s.File.Fd()))
	if err != nil {
		return nil, false
	}
	e := g.memory.verdict(verdictKey{id: id, path: s.Path})
	if e == nil || !g.current(e, s.Tree) || !g.silent(e, s.Opener) {
		return nil, false
	}
	return e.judgement, true
}

// A recaller is an Adviser that can tell an answer that it has given before, without working it out; ok says that it has.
type recaller interface {
	Recall(q *Question, opener *Opener) (a Advice, ok bool)
}

// silent says that the judgement in e is this opener's too, as far as that is known without asking.
func (g *Gate) silent(e *entry, o *Opener) bool {
	if !g.asks(e) {
		return true
	}
	r, can := g.cfg.Adviser.(recaller)
	if !can {
		return false
	}
	advice, known := r.Recall(e.question, o)
	return known && len(advice.Deny) == 0 && len(advice.Warn) == 0
}

// judgeOnce lets one of all concurrent callers judge, on a descriptor of its own, and the others wait for it.
func (g *Gate) judgeOnce(ctx context.Context, key verdictKey, s Subject) (*entry, error) {
	return g.flights.do(ctx, key, func() (func() *entry, error) {
		own, err := duplicate(s.File)
		if err != nil {
			return nil, err
		}
		s.File = own
		return func() *entry {
			defer own.Close()
			return g.judge(context.WithoutCancel(ctx), s)
		}, nil
	})
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicating the descriptor: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// judge is the pipeline. It always gives an entry; what goes wrong in it is a denial.
func (g *Gate) judge(ctx context.Context, s Subject) *entry {
	start := time.Now()
	c := &judging{subject: s, report: &Report{}, terms: g.termsNow()}
	c.report.SetPath(s.Path)
	var failure error
	for _, step := range []func(context.Context, *judging) error{
		g.digest,   // integrity: what exactly are the bytes
		g.failFast, // provenance that must be there, before anything is analysed
		g.analyse,  // format and findings, in the jail
		g.examine,  // provenance: what vouches for the digest
		g.score,    // the rule table
		g.advise,   // the policy, where it does not ask who opens
	} {
		if failure = step(ctx, c); failure != nil {
			break
		}
	}
	g.decide(c, failure)
	c.report.ElapsedMS = float64(time.Since(start).Microseconds()) / 1000
	before := g.memory.verdict(verdictKey{id: c.id, path: s.Path})
	if before == nil || !before.judgement.Report.same(c.report) {
		g.announce(c.report)
	}
	return g.remember(c, failure)
}
