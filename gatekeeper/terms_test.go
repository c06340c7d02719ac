package gatekeeper

import (
	"context"
	"testing"

	"trustfs/formats"
	"trustfs/provenance"
)

// Other terms change the verdict at the next open, and neither read nor analyse the file again.
func TestAdopt(t *testing.T) {
	b := newBench(t, nil)
	b.analyst.result.Findings = []formats.Finding{{Rule: formats.RuleCustomOps}} // 30
	b.write("m.safetensors", "weights")
	b.settle() // or a young folder would be a reason to judge anew
	tests := []struct {
		name  string
		terms Terms
		want  Verdict
		score int
	}{
		{"as it began", Terms{Profile: ProfileContent, MaxScore: 20}, Deny, 30},
		{"a higher maximum", Terms{Profile: ProfileContent, MaxScore: 30}, Allow, 30},
		{"back", Terms{Profile: ProfileContent, MaxScore: 20}, Deny, 30},
		{"a lower weight", Terms{Profile: ProfileContent, MaxScore: 20, Weights: map[string]int{formats.RuleCustomOps: 20}}, Allow, 20},
		{"a requirement", Terms{Profile: ProfileContent, MaxScore: 30, Require: provenance.Requirements{Signature: true}}, Deny, 0},
		{"origin counts", Terms{Profile: ProfileStrict, MaxScore: 30}, Deny, 70},
		{"nothing refused", Terms{Profile: ProfileAudit, MaxScore: 0}, Allow, 70},
	}
	for _, tt := range tests {
		if err := b.gate.Adopt(tt.terms); err != nil {
			t.Fatal(err)
		}
		j := b.judge("m.safetensors")
		if j.Report.Verdict != tt.want || j.Report.Score != tt.score && tt.score != 0 {
			t.Errorf("%s: %s, score %d: %v", tt.name, j.Report.Verdict, j.Report.Score, j.Report.Reasons)
		}
	}
	if n := b.analyst.calls.Load(); n != 1 {
		t.Errorf("analysed %d times", n)
	}
	before := b.gate.terms.Load().number
	if err := b.gate.Adopt(tests[len(tests)-1].terms); err != nil || b.gate.terms.Load().number != before {
		t.Errorf("the same terms again: %v, and every verdict is outdated", err)
	}
	for _, wrong := range []Terms{{MaxScore: -1}, {Profile: "lax"}, {Weights: map[string]int{"no_rule": 1}}} {
		if b.gate.Adopt(wrong) == nil || b.gate.terms.Load().number != before {
			t.Errorf("%+v was adopted", wrong)
		}
	}
}

// A witness is an Examiner that says what a test tells it to.
type witness struct{ evidence provenance.Evidence }

func (w *witness) Evidence(context.Context, provenance.Tree, provenance.Subject) (*provenance.Evidence, error) {
	e := w.evidence
	return &e, nil
}

// What each state of a signature costs, under each profile, requirement and pin: the rules and the score, and whether the
// file opens at a maximum of 20. The weights stand here as numbers: a changed one must be meant.
func TestSignaturesRequirementsAndProfiles(t *testing.T) {
	type row struct {
		rules map[string]int // what the strict profile counts
		fatal bool
	}
	table := map[string]row{
		provenance.SignatureNone:         {rules: map[string]int{"unsigned_model": 40}},
		provenance.SignatureValid:        {rules: map[string]int{}},
		provenance.SignatureUntrusted:    {rules: map[string]int{"unsigned_model": 40, "unknown_publisher": 20}},
		provenance.SignatureUnverifiable: {rules: map[string]int{"unsigned_model": 40, "provenance_unverifiable": 25}},
		provenance.SignatureInvalid:      {rules: map[string]int{"unsigned_model": 40, "signature_invalid": 100}, fatal: true},
	}
	requirements := []provenance.Requirements{{}, {Signature: true}, {Checksums: true}, {Signature: true, Checksums: true, SBOM: true}}
	w := &witness{}
	b := newBench(t, func(c *Config) { c.Examiner = w })
	b.write("m.weights", "weights") // not plainly a model by its name: the whole table applies
	for status, row := range table {
		for _, profile := range []Profile{ProfileStrict, ProfileContent, ProfileAudit} {
			for _, req := range requirements {
				for _, pinned := range []bool{false, true} {
					w.evidence = provenance.Evidence{Signature: provenance.Signature{Status: status}, Pinned: pinned, SBOM: "none", Checksum: "none"}
					want, refused := map[string]int{}, row.fatal
					for rule, weight := range row.rules {
						if rule == "signature_invalid" || !pinned {
							want[rule] = weight
						}
					}
					if req.Checksums && !pinned {
						want["unknown_checksum"], refused = 100, true
					}
					if req.SBOM {
						want["sbom_missing"] = 20
					}
					refused = refused || req.Signature && status != provenance.SignatureValid
					b.expect(t, Terms{Profile: profile, MaxScore: 20, Require: req}, want, refused)
				}
			}
		}
	}
}

// expect judges "m.weights" afresh. rules are what the strict profile counts; refused is what no score is needed for.
func (b *bench) expect(t *testing.T, terms Terms, rules map[string]int, refused bool) {
	t.Helper()
	b.gate.memory.verdicts.Clear()
	if err := b.gate.Adopt(terms); err != nil {
		t.Fatal(err)
	}
	r := b.judge("m.weights").Report
	score := 0
	for rule, weight := range rules {
		if terms.Profile == ProfileContent && originOnly[rule] {
			weight = 0
		}
		if r.Breakdown[rule] != weight {
			t.Errorf("%+v: %s counts %d, expected %d: %v", terms, rule, r.Breakdown[rule], weight, r.Breakdown)
		}
		score += weight
	}
	verdict := Allow
	if (refused || score > terms.MaxScore) && terms.Profile != ProfileAudit {
		verdict = Deny
	}
	if r.Score != score || r.Verdict != verdict {
		t.Errorf("%+v, %v: score %d %s, expected %d %s: %v", terms, rules, r.Score, r.Verdict, score, verdict, r.Reasons)
	}
}

// originOnly are the rules that say no more than that nobody vouches: the content profile leaves them out.
var originOnly = map[string]bool{"unsigned_model": true, "unknown_publisher": true, "provenance_unverifiable": true, "sbom_missing": true}
