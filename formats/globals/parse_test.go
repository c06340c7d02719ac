package globals

import (
	"strings"
	"testing"
)

func TestParsePreset(t *testing.T) {
	tests := []struct{ text, err string }{
		{"a.b c call why\n# a comment\n\n a.b d value why not\nx y args:getattr why", ""},
		{"a.b c call", "p.txt:1: want: module name use reason"},
		{"\n\na.b * call why", "p.txt:3: a.b *: an allowlist has no wildcards"},
		{"a.[bc] d call why", "wildcards"},
		{"a? d call why", "wildcards"},
		{"a b run why", `p.txt:1: use is "run", want call, value or args:RULE`},
		{"a b args:anything why", `unknown argument rule "anything"`},
		{"a b args why", `use is "args"`},
		{"a b call why\na c call why\na b value why", "p.txt:3: a b stands already in line 1"},
		{"# nothing", "no entries"},
	}
	for _, tc := range tests {
		entries, err := parsePreset("p", tc.text)
		if tc.err == "" {
			if err != nil || len(entries) != 3 || entries[2].Rule != RuleGetattr || entries[1].Reason != "why not" {
				t.Errorf("%q: %+v, %v", tc.text, entries, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q: error %v, want %q", tc.text, err, tc.err)
		}
	}
}

func TestParseDangerous(t *testing.T) {
	for text, want := range map[string]string{
		"os * why\n* Popen why": "",
		"os *":                  "want: module name reason",
		"* * why":               "would convict every name",
		"os * why\nos * again":  "stands already in line 1",
	} {
		_, err := parseDangerous(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzParsePreset(f *testing.F) {
	for _, s := range []string{"a b call why", "a b args:new why", "#", "a\tb value x\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parsePreset("p", text)
		for _, e := range entries {
			if err != nil || e.Use == UseNone || e.Reason == "" || strings.Contains(e.Module+e.Name, "*") {
				t.Fatalf("%q: admitted %+v with %v", text, e, err)
			}
		}
	})
}
