package gatekeeper

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"strconv"
	"strings"
	"testing"

	"trustfs/formats"
)

func TestLevels(t *testing.T) {
	for score, want := range map[int]Level{
		-1: Safe, 0: Safe, 1: Low, 19: Low, 20: Medium, 49: Medium, 50: High, 79: High, 80: Critical, 1000: Critical,
	} {
		if got := LevelOf(score); got != want {
			t.Errorf("LevelOf(%d) = %s, expected %s", score, got, want)
		}
	}
}

func TestZeroValuesDeny(t *testing.T) {
	var v Verdict
	var j *Judgement
	if v != Deny || v.String() != "deny" || j.Allowed() || (&Judgement{}).Allowed() ||
		(&Judgement{Report: &Report{Verdict: Allow}}).Allowed() {
		t.Error("a zero value admits")
	}
	for _, text := range []string{`"ALLOW"`, `"yes"`, `""`} {
		v = Allow
		if err := json.Unmarshal([]byte(text), &v); err != nil || v != Deny {
			t.Errorf("%s is read as %v, %v", text, v, err)
		}
	}
}

// Every rule that an inspector can name has a row, with a sentence, and fatal rules weigh 100.
func TestEveryRuleHasARow(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../formats/rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]Rule{}
	for _, r := range ruleTable {
		if _, again := rows[r.Name]; again {
			t.Errorf("rule %s has two rows", r.Name)
		}
		rows[r.Name] = r
		if r.Doc == "" || r.Weight <= 0 || r.Fatal != (r.Weight == 100) || r.Fatal && r.Origin {
			t.Errorf("rule %+v", r)
		}
	}
	named := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Rule") {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if _, found := rows[name]; err != nil || !found {
			t.Errorf("%s (%q) has no row in the table", spec.Names[0].Name, name)
		}
		named++
		return true
	})
	if named != len(ruleTable) {
		t.Errorf("%d rules are named, the table has %d rows", named, len(ruleTable))
	}
}

func TestScores(t *testing.T) {
	f := func(rules ...string) (out []formats.Finding) {
		for i, r := range rules {
			out = append(out, formats.Finding{Rule: r, Where: strconv.Itoa(i)})
		}
		return out
	}
	tests := []struct {
		name      string
		found     []formats.Finding
		profile   Profile
		weights   map[string]int
		accepts   []string
		score     int
		fatal     int
		breakdown map[string]int
	}{
		{name: "nothing"},
		{name: "the seed's attack", found: f("global_dangerous", "reduce", "unsigned_model"), score: 165, fatal: 1,
			breakdown: map[string]int{"global_dangerous": 100, "reduce": 25, "unsigned_model": 40}},
		{name: "a rule counts once", found: f("reduce", "reduce", "reduce"), score: 25, breakdown: map[string]int{"reduce": 25}},
		{name: "unknown globals add up", found: f("global_unknown", "global_unknown"), score: 20, breakdown: map[string]int{"global_unknown": 20}},
		{name: "to a maximum", found: f("global_unknown", "global_unknown", "global_unknown", "global_unknown", "global_unknown"), score: 30,
			breakdown: map[string]int{"global_unknown": 30}},
		{name: "content: origin weighs nothing", found: f("unsigned_model", "unknown_publisher", "inst"), profile: ProfileContent, score: 10,
			breakdown: map[string]int{"inst": 10}},
		{name: "content: a mismatch still convicts", found: f("checksum_mismatch"), profile: ProfileContent, score: 100, fatal: 1,
			breakdown: map[string]int{"checksum_mismatch": 100}},
		{name: "weights", found: f("unsigned_model", "reduce"), weights: map[string]int{"unsigned_model": 5, "reduce": 0}, score: 5,
			breakdown: map[string]int{"unsigned_model": 5}},
		{name: "a fatal rule without weight stays fatal", found: f("global_dangerous"), weights: map[string]int{"global_dangerous": 0}, fatal: 1,
			breakdown: map[string]int{"global_dangerous": 0}},
		{name: "a scaled maximum", found: f("global_unknown", "global_unknown", "global_unknown", "global_unknown"),
			weights: map[string]int{"global_unknown": 2}, score: 6, breakdown: map[string]int{"global_unknown": 6}},
		{name: "accepted by a pin", found: f("global_dangerous", "reduce"), accepts: []string{"global_dangerous"}, score: 25,
			breakdown: map[string]int{"reduce": 25}},
		{name: "no row", found: f("misspelt"), score: 100, fatal: 1, breakdown: map[string]int{"misspelt": 100}},
	}
	for _, tt := range tests {
		s, err := newScorer(tt.weights, tt.profile)
		if err != nil {
			t.Fatal(err)
		}
		accepts := map[string]bool{}
		for _, a := range tt.accepts {
			accepts[a] = true
		}
		got := s.add(tt.found, accepts)
		if tt.breakdown == nil {
			tt.breakdown = map[string]int{}
		}
		if got.score != tt.score || len(got.fatal) != tt.fatal || !maps.Equal(got.breakdown, tt.breakdown) || len(got.findings) != len(tt.found) {
			t.Errorf("%s: score %d, %d fatal, %v", tt.name, got.score, len(got.fatal), got.breakdown)
		}
	}
}

func TestWeightsAreChecked(t *testing.T) {
	for _, w := range []map[string]int{{"no_such_rule": 1}, {"reduce": -1}} {
		if _, err := Rules(w); err == nil {
			t.Errorf("weights %v are taken", w)
		}
	}
}

func TestXattrReportFits(t *testing.T) {
	r := &Report{Verdict: Deny, Reasons: []string{strings.Repeat("x", 100_000), "b"}}
	for range 1000 {
		r.Findings = append(r.Findings, Finding{Rule: "reduce", Detail: strings.Repeat("d", 500)})
	}
	b := r.XattrJSON()
	var got struct {
		Verdict   string
		Truncated bool
		Count     int `json:"findings_count"`
	}
	if err := json.Unmarshal(b, &got); err != nil || len(b) > MaxXattrReport || !got.Truncated || got.Count != 1000 || got.Verdict != "deny" {
		t.Errorf("%d bytes: %+v, %v", len(b), got, err)
	}
	if len(r.Reasons[0]) != 100_000 {
		t.Error("the report itself was cut")
	}
	r.Reasons, r.Findings = []string{"short"}, nil
	if strings.Contains(string(r.XattrJSON()), "truncated\":true") {
		t.Error("a short report is cut")
	}
}

func TestNamesOfAnyBytes(t *testing.T) {
	r := &Report{}
	r.SetPath("a\xff.pt")
	if r.PathB64 != "Yf8ucHQ=" {
		t.Errorf("path_b64 %q", r.PathB64)
	}
	if r.SetPath("ü.pt"); r.PathB64 != "" {
		t.Errorf("path_b64 %q for a name in UTF-8", r.PathB64)
	}
}
