package gatekeeper

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/views"
)

// A Viewer makes views in the jail. *Jailed is one.
type Viewer interface {
	View(ctx context.Context, f *os.File, m *integrity.Manifest, name string, kind views.Kind) (*views.Answer, error)
}

// ViewsFrom says of which sources views are shown.
type ViewsFrom string

// The choices. The zero value is ViewsFromClean.
const (
	ViewsFromClean  ViewsFrom = "clean"  // of sources without fatal findings
	ViewsFromDisarm ViewsFrom = "disarm" // of refused sources too: the tensors only, the code stays behind
)

// A View is a safetensors view of a source, judged.
type View struct {
	// Judgement is the view's own: its report, and the source's identity and Manifest.
	Judgement *Judgement
	answer    *views.Answer
	gate      *Gate
	key       verdictKey // of entry
	entry     *entry
}

// A NoViewError says why a source has no view.
type NoViewError struct{ Reason string }

func (e *NoViewError) Error() string { return e.Reason }

// A RefusedError says that a view is refused for its source's sake, and was not made. Report is the view's.
type RefusedError struct{ Report *Report }

func (e *RefusedError) Error() string { return "refused: " + strings.Join(e.Report.Reasons, "; ") }

// View gives the view called name (a path in the tree, beside s.Path) of the source s. A *NoViewError means that there is
// none; any other error that none could be made now.
func (g *Gate) View(ctx context.Context, s Subject, name string, kind views.Kind) (*View, error) {
	if g.cfg.Viewer == nil {
		return nil, &NoViewError{"views are off"}
	}
	id, err := integrity.IdentityOf(int(s.File.Fd()))
	if err != nil {
		return nil, err
	}
	key := viewKey(id, name)
	e := g.memory.verdict(key)
	if e == nil || !g.current(e, s.Tree) {
		e, err = g.flights.do(ctx, key, func() (func() *entry, error) {
			own, err := duplicate(s.File)
			if err != nil {
				return nil, err
			}
			s.File = own
			return func() *entry {
				defer own.Close()
				return g.makeView(context.WithoutCancel(ctx), key, s, name, kind)
			}, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return g.viewOf(ctx, key, e, s.Opener)
}

func viewKey(id integrity.Identity, name string) verdictKey {
	return verdictKey{id: id, path: "view\x00" + name}
}

func (g *Gate) viewOf(ctx context.Context, key verdictKey, e *entry, o *Opener) (*View, error) {
	switch {
	case e.err != nil:
		return nil, e.err
	case e.answer == nil:
		return nil, errors.New("no view could be made")
	}
	j, err := g.forOpener(ctx, e, o)
	return &View{Judgement: j, answer: e.answer, gate: g, key: key, entry: e}, err
}

// RememberedView gives what View would, without any work, where it is known, still current, and the same for every opener.
func (g *Gate) RememberedView(s Subject, name string) (v *View, ok bool, err error) {
	if g.cfg.Adviser != nil && g.cfg.Adviser.RefersToOpener() {
		return nil, false, nil
	}
	id, err := integrity.IdentityOf(int(s.File.Fd()))
	if err != nil {
		return nil, false, nil
	}
	key := viewKey(id, name)
	e := g.memory.verdict(key)
	if e == nil || !g.current(e, s.Tree) {
		return nil, false, nil
	}
	v, err = g.viewOf(context.Background(), key, e, nil)
	return v, true, err
}

// TamperedView is Tampered for bytes that were read through the view name of source.
func (g *Gate) TamperedView(name, source string, id integrity.Identity, err *integrity.TamperError) {
	g.memory.forget(viewKey(id, name))
	g.Tampered(source, id, err)
}

// makeView judges the source, has the view made in the jail, and judges the view.
func (g *Gate) makeView(ctx context.Context, key verdictKey, s Subject, name string, kind views.Kind) *entry {
	src, err := g.entryOf(ctx, s)
	if err != nil {
		return &entry{err: err}
	}
	if err := g.viewable(src, s.Path, name, kind); err != nil {
		e := *src
		e.err, e.judgement = err, &Judgement{Report: src.judgement.Report, Identity: src.judgement.Identity}
		if _, none := errors.AsType[*NoViewError](err); none && src.kept {
			g.memory.keepVerdict(key, &e)
		}
		return &e
	}
	answer, err := g.cfg.Viewer.View(ctx, s.File, src.judgement.Manifest, name, kind)
	if err != nil {
		return &entry{err: fmt.Errorf("view: %w", err)}
	}
	e := *src
	e.answer = answer
	if answer.Limit != "" {
		e.err = &NoViewError{answer.Limit}
	} else if e.err = g.inflatable(answer.Plan); e.err == nil {
		e.judgement, e.question = g.judgeView(ctx, s, src, answer, name)
	}
	if src.kept {
		g.memory.keepVerdict(key, &e)
	}
	return &e
}

// entryOf is Judge without an opener.
func (g *Gate) entryOf(ctx context.Context, s Subject) (*entry, error) {
	key := verdictKey{id: integrity.Identity{}, path: s.Path}
	var err error
	if key.id, err = integrity.IdentityOf(int(s.File.Fd())); err != nil {
		return nil, err
	}
	if e := g.memory.verdict(key); e != nil && g.current(e, s.Tree) {
		return e, nil
	}
	return g.judgeOnce(ctx, key, s)
}

// viewable says why a source gives no view called name, nil if it does.
func (g *Gate) viewable(src *entry, source, name string, kind views.Kind) error {
	r := src.judgement.Report
	if src.judgement.Manifest == nil || src.evidence == nil {
		return fmt.Errorf("the source could not be judged: %v", r.Reasons)
	}
	if kind == views.KindTensors {
		if why := g.withoutOrigin(src); len(why) > 0 {
			return &RefusedError{refusedView(r, source, name, why)}
		}
	}
	if g.cfg.ViewsFrom == ViewsFromDisarm {
		return nil
	}
	for _, f := range r.Findings {
		if f.Fatal {
			return &NoViewError{"the source is refused: " + f.Rule + " is fatal" + describe(f)}
		}
	}
	return nil
}

// withoutOrigin are the requirements of provenance that a source does not meet. Its view inherits its origin, and is a
// model whatever the source is: it would be refused once it were made.
func (g *Gate) withoutOrigin(src *entry) []string {
	t := g.terms.Load()
	if t.Profile == ProfileAudit {
		return nil
	}
	return t.Require.Unmet(src.evidence, formats.ClassModel)
}

// refusedView is the report of a view that is not made.
func refusedView(src *Report, source, name string, why []string) *Report {
	r := &Report{Format: formats.FormatSafetensors, Class: formats.ClassModel, Provenance: src.Provenance, Reasons: why}
	r.SetPath(name)
	r.Facts.ViewOf = source
	fill(r)
	return r
}

// judgeView gives the view its own verdict: its content as safetensors, its provenance that of the source.
func (g *Gate) judgeView(ctx context.Context, s Subject, src *entry, answer *views.Answer, name string) (*Judgement, *Question) {
	shown := s
	shown.Path = name // the policy sees the name that is opened; the report names the source
	c := &judging{subject: shown, report: &Report{}, id: src.judgement.Identity, manifest: src.judgement.Manifest, evidence: src.evidence,
		result: answer.Result, terms: g.terms.Load()}
	if c.result == nil { // an index of shards: names of tensors and files, written by trustfs
		c.result = &formats.Result{Format: formats.FormatDocument, Class: formats.ClassDocument, Findings: []formats.Finding{}}
	}
	c.report.SetPath(name)
	c.report.Provenance = src.judgement.Report.Provenance
	c.report.Size = answer.Size()
	c.report.Format, c.report.Class, c.report.Facts = c.result.Format, c.result.Class, c.result.Facts
	c.report.Facts.ViewOf = s.Path
	c.report.Truncated = c.result.Truncated
	err := g.score(ctx, c)
	if err == nil {
		err = g.advise(ctx, c)
	}
	g.decide(c, err)
	if src.judgement.Report.Verdict != Allow {
		c.report.Warnings = append(c.report.Warnings, "the source is refused; only its tensors are shown: "+first(src.judgement.Report.Reasons))
	}
	g.announce(c.report)
	return &Judgement{Report: c.report, Identity: src.judgement.Identity, Manifest: src.judgement.Manifest}, c.question()
}

func first(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0]
}

// Size is the view's size in bytes.
func (v *View) Size() int64 { return v.answer.Size() }

// Fingerprint names the view's bytes without reading them: the same one means the same bytes.
func (v *View) Fingerprint() integrity.Digest {
	shown := v.answer.Fingerprint()
	return sha256.Sum256(append(shown[:], v.Judgement.Manifest.Digest[:]...))
}
