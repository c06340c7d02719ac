package gatekeeper

import "trustfs/formats"

// A scorer gives findings their weight.
type scorer struct {
	rules   map[string]Rule
	content bool // the content profile: rules of origin weigh nothing
}

func newScorer(overrides map[string]int, profile Profile) (*scorer, error) {
	table, err := Rules(overrides)
	if err != nil {
		return nil, err
	}
	s := &scorer{rules: make(map[string]Rule, len(table)), content: profile == ProfileContent}
	for _, r := range table {
		s.rules[r.Name] = r
	}
	return s, nil
}

// rule looks a name up. A finding of a rule that is not in the table is a fault in trustfs, and counts as the worst.
func (s *scorer) rule(name string) Rule {
	r, ok := s.rules[name]
	if !ok {
		return Rule{Name: name, Weight: 100, Fatal: true, Doc: "a rule without a row in the table"}
	}
	if s.content && r.Origin {
		r.Weight = 0
	}
	return r
}

// A tally is the sum over a file's findings.
type tally struct {
	score     int
	breakdown map[string]int
	findings  []Finding
	fatal     []Finding // the first of each fatal rule that no pin accepts
	accepted  []string  // rules that a pin silenced
}

// add weighs all findings. Those that an operator's pin of this digest accepts are kept in the report and weigh nothing.
func (s *scorer) add(found []formats.Finding, accepts map[string]bool) tally {
	t := tally{breakdown: map[string]int{}, findings: []Finding{}}
	first := map[string]bool{}
	for _, f := range found {
		r := s.rule(f.Rule)
		out := Finding{Rule: f.Rule, Where: f.Where, Detail: f.Detail, Preset: f.Preset, Fatal: r.Fatal}
		switch {
		case accepts[f.Rule]:
			out.Fatal = false
			if !first[f.Rule] {
				t.accepted = append(t.accepted, f.Rule)
			}
		default:
			out.Score = r.share(t.breakdown[f.Rule], first[f.Rule])
			t.count(out, first[f.Rule])
		}
		first[f.Rule] = true
		t.findings = append(t.findings, out)
	}
	return t
}

// share is what one more finding of the rule adds when the rule has added so much already.
func (r Rule) share(already int, again bool) int {
	switch {
	case r.Max > 0:
		return max(0, min(r.Weight, r.Max-already))
	case again:
		return 0
	}
	return r.Weight
}

func (t *tally) count(f Finding, again bool) {
	t.score += f.Score
	if f.Score > 0 || f.Fatal {
		t.breakdown[f.Rule] += f.Score
	}
	if f.Fatal && !again {
		t.fatal = append(t.fatal, f)
	}
}
