package gatekeeper

import (
	"fmt"
	"maps"

	"trustfs/provenance"
)

// Terms are what verdicts are reached by and what may change while a gate judges. A change counts at the next open; no file
// is read again for it.
type Terms struct {
	Profile  Profile
	MaxScore int            // admits this score and refuses one more
	Weights  map[string]int // operators' weights, by rule
	Require  provenance.Requirements
}

// terms are Terms in force, with their number.
type terms struct {
	Terms
	scorer *scorer
	number uint64
}

// Adopt puts other terms in force. An error leaves those before it.
func (g *Gate) Adopt(t Terms) error {
	g.adopting.Lock()
	defer g.adopting.Unlock()
	next, err := newTerms(t)
	if err != nil {
		return err
	}
	now := g.terms.Load()
	if next.same(now) {
		return nil
	}
	next.number = now.number + 1
	g.terms.Store(next)
	return nil
}

func newTerms(t Terms) (*terms, error) {
	profile, err := ParseProfile(string(t.Profile))
	if err != nil {
		return nil, err
	}
	t.Profile, t.Weights = profile, maps.Clone(t.Weights)
	if t.MaxScore < 0 {
		return nil, fmt.Errorf("max-score %d: expected 0 or more", t.MaxScore)
	}
	s, err := newScorer(t.Weights, t.Profile)
	if err != nil {
		return nil, err
	}
	return &terms{Terms: t, scorer: s}, nil
}

func (t *terms) same(other *terms) bool {
	return t.Profile == other.Profile && t.MaxScore == other.MaxScore && t.Require == other.Require && maps.Equal(t.Weights, other.Weights)
}

// termsNow are the terms that a judgement which begins now is reached by, after a look at whether they have changed.
func (g *Gate) termsNow() *terms {
	g.epochs()
	return g.terms.Load()
}
