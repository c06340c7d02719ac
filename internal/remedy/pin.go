package remedy

import (
	"maps"
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/gatekeeper"
)

// Terms are what the judgement was made under.
type Terms struct {
	MaxScore         int
	RequireSignature bool
}

// vouched are the rules that say nothing but "nobody vouches for this": an operator's pin ends them.
var vouched = []string{
	formats.RuleUnsignedModel, formats.RuleUnknownPublisher, formats.RuleProvenanceUnverifiable, formats.RuleUnknownChecksum,
}

// Left is what would still refuse a file.
type Left struct {
	Rules  []string // that a pin could accept: fatal ones, or enough of the heaviest to come below the maximum; sorted
	Score  int
	Faults []string // that no pin changes: an analysis that failed, the policy's objections
}

// None says that nothing is left.
func (l Left) None() bool { return len(l.Rules) == 0 && len(l.Faults) == 0 }

// AfterPin works out what would still refuse the file if its digest were pinned with the given rules accepted.
func AfterPin(r *gatekeeper.Report, accepts []string, terms Terms) Left {
	weights := maps.Clone(r.Breakdown)
	maps.DeleteFunc(weights, func(rule string, _ int) bool {
		return slices.Contains(vouched, rule) || slices.Contains(accepts, rule)
	})
	left := Left{Faults: faults(r)}
	for _, f := range r.Findings {
		if f.Fatal && !slices.Contains(vouched, f.Rule) && !slices.Contains(accepts, f.Rule) {
			left.Rules = append(left.Rules, f.Rule)
		}
	}
	if signatureLacking(r, terms) && !slices.Contains(accepts, formats.RuleUnsignedModel) {
		left.Rules = append(left.Rules, formats.RuleUnsignedModel)
	}
	for _, w := range weights {
		left.Score += w
	}
	left.Rules = append(left.Rules, heaviest(weights, left.Score-terms.MaxScore, left.Rules)...)
	slices.Sort(left.Rules)
	left.Rules = slices.Compact(left.Rules)
	return left
}

func signatureLacking(r *gatekeeper.Report, terms Terms) bool {
	return terms.RequireSignature && r.Class != formats.ClassDocument && r.Provenance.Signature.Status != "valid"
}

// heaviest picks rules, most weight first, until what they weigh together with those already taken covers excess.
func heaviest(weights map[string]int, excess int, taken []string) []string {
	for _, rule := range slices.Compact(slices.Sorted(slices.Values(taken))) {
		excess -= weights[rule]
	}
	rules := slices.SortedFunc(maps.Keys(weights), func(a, b string) int {
		if d := weights[b] - weights[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, rule := range rules {
		if excess <= 0 {
			break
		}
		if !slices.Contains(taken, rule) && weights[rule] > 0 {
			out = append(out, rule)
			excess -= weights[rule]
		}
	}
	return out
}

// faults are the reasons that speak of no rule, score or signature.
func faults(r *gatekeeper.Report) []string {
	var out []string
	for _, reason := range r.Reasons {
		if r.Verdict != gatekeeper.Allow && !explained(r, reason) {
			out = append(out, reason)
		}
	}
	return out
}

func explained(r *gatekeeper.Report, reason string) bool {
	for _, known := range []string{"score ", "not analysed: ", "a signature by a trusted signer"} {
		if strings.HasPrefix(reason, known) {
			return true
		}
	}
	rule, _, fatal := strings.Cut(reason, " is fatal")
	return fatal && slices.ContainsFunc(r.Findings, func(f gatekeeper.Finding) bool { return f.Rule == rule })
}
