package remedy

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"trustfs/gatekeeper"
)

// report makes a refused report with weights; a rule that ends in "!" is fatal.
func report(weights map[string]int, reasons ...string) *gatekeeper.Report {
	r := &gatekeeper.Report{SHA256: "ab", Class: "model", Breakdown: map[string]int{}, Reasons: reasons}
	for rule, w := range weights {
		name := strings.TrimSuffix(rule, "!")
		r.Breakdown[name] = w
		r.Score += w
		r.Findings = append(r.Findings, gatekeeper.Finding{Rule: name, Score: w, Fatal: name != rule})
	}
	return r
}

func TestAfterPin(t *testing.T) {
	for _, tt := range []struct {
		name    string
		report  *gatekeeper.Report
		accepts []string
		terms   Terms
		want    Left
	}{
		{"only unsigned", report(map[string]int{"unsigned_model": 40}, "score 40 > 20"), nil, Terms{MaxScore: 20}, Left{}},
		{"unsigned and a required list", report(map[string]int{"unsigned_model": 40, "unknown_checksum!": 100}, "unknown_checksum is fatal", "score 140 > 20"),
			nil, Terms{MaxScore: 20}, Left{}},
		{"fatal content", report(map[string]int{"unsigned_model": 40, "global_dangerous!": 100, "reduce": 25}, "global_dangerous is fatal: posix.system", "score 165 > 20"),
			nil, Terms{MaxScore: 20}, Left{Rules: []string{"global_dangerous", "reduce"}, Score: 125}},
		{"fatal content accepted", report(map[string]int{"global_dangerous!": 100, "inst": 10}, "global_dangerous is fatal"),
			[]string{"global_dangerous"}, Terms{MaxScore: 20}, Left{Score: 10}},
		{"fatal without weight", report(map[string]int{"keras_lambda!": 0}, "keras_lambda is fatal"),
			nil, Terms{MaxScore: 20}, Left{Rules: []string{"keras_lambda"}}},
		{"as few as needed", report(map[string]int{"reduce": 25, "inst": 10, "global_unknown": 10}, "score 45 > 20"),
			nil, Terms{MaxScore: 20}, Left{Rules: []string{"reduce"}, Score: 45}},
		{"a signature required", report(map[string]int{"unsigned_model": 40}, "a signature by a trusted signer is required; this file's is: none"),
			nil, Terms{MaxScore: 20, RequireSignature: true}, Left{Rules: []string{"unsigned_model"}}},
		{"the policy objects", report(map[string]int{"unsigned_model": 40}, "score 40 > 20", "policy: not in production"),
			nil, Terms{MaxScore: 20}, Left{Faults: []string{"policy: not in production"}}},
		{"a worker died", report(nil, "analysis: killed"), nil, Terms{MaxScore: 20}, Left{Faults: []string{"analysis: killed"}}},
		{"a reason that only sounds like a rule", report(nil, "evil is fatal"), nil, Terms{MaxScore: 20}, Left{Faults: []string{"evil is fatal"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := AfterPin(tt.report, tt.accepts, tt.terms); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestFor(t *testing.T) {
	preset := report(map[string]int{"unsigned_model": 40}, "score 40 > 20")
	preset.Findings[0].Preset = "sklearn"
	for _, tt := range []struct {
		name   string
		report *gatekeeper.Report
		want   []string // commands in order
	}{
		{"unsigned", report(map[string]int{"unsigned_model": 40}, "score 40 > 20"),
			[]string{"trustfs pin f", "trustfs sign --key FILE f", "sha256sum f"}},
		{"convicted", report(map[string]int{"global_dangerous!": 100, "unsigned_model": 40}, "global_dangerous is fatal", "score 140 > 20"),
			[]string{"", "trustfs pin --accept global_dangerous f"}},
		{"a preset", preset, []string{"--allow-preset sklearn", "trustfs pin f", "trustfs sign --key FILE f", "sha256sum f"}},
		{"a fault", report(nil, "analysis: killed"), []string{""}},
		{"admitted", &gatekeeper.Report{Verdict: gatekeeper.Allow}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, r := range For(tt.report, "f", Terms{MaxScore: 20}) {
				got = append(got, r.Command)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Quoted names must come back from a real shell as they went in.
func TestQuote(t *testing.T) {
	for _, s := range []string{"a.pt", "a b", "it's", "$(id)", "a\nb", "~x", "\xff", "a\\b", "*"} {
		out, err := exec.Command("sh", "-c", "printf %s "+Quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("Quote(%q) = %s: the shell made %q of it (%v)", s, Quote(s), out, err)
		}
	}
	if Quote("-rf") != "'./-rf'" {
		t.Errorf("an option came through: %s", Quote("-rf"))
	}
}
