package sarif

import (
	"bytes"
	"encoding/json"
	"testing"

	"trustfs/gatekeeper"
)

func TestWrite(t *testing.T) {
	rules, err := gatekeeper.Rules(nil)
	if err != nil {
		t.Fatal(err)
	}
	reports := []*gatekeeper.Report{
		{Path: "a b/e\x1b.pt", SHA256: "ab", Findings: []gatekeeper.Finding{{Rule: "global_dangerous", Detail: "posix.system", Where: "x@1"}}},
		{Path: "odd", Reasons: []string{"not a regular file"}},
		{Path: "ok", Verdict: gatekeeper.Allow, Findings: []gatekeeper.Finding{{Rule: "inst"}}},
		{Path: "fine", Verdict: gatekeeper.Allow},
	}
	var b bytes.Buffer
	if err := Write(&b, "1", rules, reports); err != nil {
		t.Fatal(err)
	}
	var got log
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []struct{ rule, level, uri, text string }{
		{"global_dangerous", "error", "a%20b/e%1B.pt", "global_dangerous: posix.system (x@1)"},
		{"refused", "error", "odd", "not a regular file"},
		{"inst", "note", "ok", "inst"},
	}
	results := got.Runs[0].Results
	if got.Version != "2.1.0" || len(results) != len(want) {
		t.Fatalf("version %s, %d results", got.Version, len(results))
	}
	known := map[string]bool{}
	for _, r := range got.Runs[0].Tool.Driver.Rules {
		known[r.ID] = true
	}
	for i, w := range want {
		r := results[i]
		if r.RuleID != w.rule || r.Level != w.level || r.Locations[0].Physical.Artifact.URI != w.uri || r.Message.Text != w.text {
			t.Errorf("result %d: %+v, want %+v", i, r, w)
		}
		if !known[r.RuleID] {
			t.Errorf("rule %s is not in the driver's table", r.RuleID)
		}
	}
}
