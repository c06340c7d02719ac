package gatekeeper

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"trustfs/formats"
)

// advise asks the policy once for all openers, where it does not care who opens.
func (g *Gate) advise(ctx context.Context, c *judging) error {
	if g.cfg.Adviser == nil || g.cfg.Adviser.RefersToOpener() {
		return nil
	}
	a, err := g.cfg.Adviser.Advise(ctx, c.question(), nil)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	c.denials, c.report.Warnings, c.answered = a.Deny, a.Warn, true
	return nil
}

func (c *judging) question() *Question {
	q := &Question{Report: c.report, Evidence: c.evidence, Path: c.subject.Path, File: attributes(int(c.subject.File.Fd())),
		answered: c.answered}
	if c.links != nil {
		q.Links = c.links.paths
	}
	return q
}

// decide writes the verdict; nothing else does. Allow takes a Manifest, an analysis, evidence, no fatal finding, a score
// within the maximum, and no objection by the policy; under the audit profile, a Manifest.
func (g *Gate) decide(c *judging, failure error) {
	r := c.report
	r.Verdict, r.Reasons = Deny, g.reasons(c, failure)
	complete := failure == nil && c.manifest != nil && c.result != nil && c.evidence != nil
	switch {
	case complete && len(r.Reasons) == 0:
		r.Verdict = Allow
		r.Reasons = []string{g.admission(c)}
	case c.terms.Profile == ProfileAudit && c.manifest != nil:
		r.Verdict, r.Audit = Allow, true
		r.Reasons = append([]string{"audit profile: nothing is refused"}, r.Reasons...)
	}
	fill(r)
}

// reasons are why the file is refused; none when nothing speaks against it.
func (g *Gate) reasons(c *judging, failure error) []string {
	var why []string
	for _, f := range c.tally.fatal {
		why = append(why, f.Rule+" is fatal"+describe(f))
	}
	if c.early {
		why = append(why, "not analysed: provenance is required and refuses the file first")
	}
	if c.tally.score > c.terms.MaxScore {
		why = append(why, fmt.Sprintf("score %d > %d", c.tally.score, c.terms.MaxScore))
	}
	why = append(why, c.unmet...)
	for _, d := range c.denials {
		why = append(why, "policy: "+d)
	}
	if failure != nil {
		why = append(why, failure.Error())
	}
	return why
}

func describe(f Finding) string {
	var b strings.Builder
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	if f.Where != "" {
		b.WriteString(" (" + f.Where + ")")
	}
	return b.String()
}

func (g *Gate) admission(c *judging) string {
	s := fmt.Sprintf("score %d <= %d", c.tally.score, c.terms.MaxScore)
	if len(c.tally.accepted) > 0 {
		s += "; accepted by the operator's pin: " + strings.Join(c.tally.accepted, ", ")
	}
	return s
}

// fill gives every key of the report its form: lists are lists, states have names.
func fill(r *Report) {
	if r.Format == "" {
		r.Format, r.Class = formats.FormatOpaque, formats.ClassOpaque
	}
	if r.Breakdown == nil {
		r.Breakdown = map[string]int{}
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if r.Level == "" {
		r.Level = Safe
	}
	if r.Verdict == Deny && r.Score == 0 {
		r.Level = Critical // a denial without a score: nothing is known that would make it safe
	}
	for _, s := range []*string{&r.Provenance.Checksum, &r.Provenance.Signature.Status, &r.Provenance.SBOM} {
		if *s == "" {
			*s = "none"
		}
	}
}

// asks says that each opener of the file has to be asked about. It goes by what was done for the entry, not by the policy
// of this moment, which may be another one already.
func (g *Gate) asks(e *entry) bool {
	return g.cfg.Adviser != nil && e.question != nil && !e.question.answered && e.judgement.Report.Verdict == Allow
}

// forOpener asks a policy that refers to the opener, for this one.
func (g *Gate) forOpener(ctx context.Context, e *entry, o *Opener) (*Judgement, error) {
	if !g.asks(e) {
		return e.judgement, nil
	}
	advice, err := g.cfg.Adviser.Advise(ctx, e.question, o)
	if err == nil && len(advice.Deny) == 0 && len(advice.Warn) == 0 {
		return e.judgement, nil
	}
	r := *e.judgement.Report
	r.Warnings = append(append([]string(nil), r.Warnings...), advice.Warn...)
	var why []string
	for _, d := range advice.Deny {
		why = append(why, "policy: "+d)
	}
	if err != nil {
		why = append(why, "policy: "+err.Error())
	}
	if len(why) > 0 {
		if g.terms.Load().Profile != ProfileAudit {
			r.Verdict = Deny
		}
		r.Reasons = why
		g.announce(&r)
	}
	return &Judgement{Report: &r, Identity: e.judgement.Identity, Manifest: e.judgement.Manifest}, nil
}

// announce says a new verdict: one event each.
func (g *Gate) announce(r *Report) {
	level, event := slog.LevelInfo, "model.admitted"
	if r.Verdict != Allow || r.Audit {
		level, event = slog.LevelWarn, "model.refused"
	}
	if r.Provenance.Checksum == "unlisted" {
		g.log.Warn("model.unknown", "path", r.Path, "sha256", r.SHA256)
	}
	for _, f := range r.Findings {
		if f.Rule == formats.RuleChecksumMismatch {
			g.log.Error("model.tampered", "path", r.Path, "detail", f.Detail, "where", f.Where)
		}
	}
	g.log.Log(context.Background(), level, event, "path", r.Path, "verdict", r.Verdict.String(), "audit_only", r.Audit,
		"level", r.Level, "score", r.Score, "format", r.Format, "size", r.Size, "sha256", r.SHA256, "reasons", r.Reasons,
		"elapsed_ms", r.ElapsedMS)
}

// panicked is the entry of a judgement that met a fault in trustfs: a denial that nothing keeps.
func panicked(key verdictKey, v any) *entry {
	r := &Report{Reasons: []string{fmt.Sprintf("fault in trustfs while judging: %v", v)}}
	r.SetPath(key.path)
	fill(r)
	return &entry{judgement: &Judgement{Report: r, Identity: key.id}}
}
