package policy

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkedPolicies runs the tests that stand beside each policy in docs/policies.
func TestWorkedPolicies(t *testing.T) {
	dirs, err := filepath.Glob("../docs/policies/*")
	if err != nil || len(dirs) < 3 {
		t.Fatalf("%d worked policies, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			results, err := Test(context.Background(), []string{dir}, "")
			if err != nil {
				t.Fatal(err)
			}
			goldens, rules := 0, 0
			for _, r := range results {
				if !r.Passed {
					t.Errorf("%s (%s:%d): %s", r.Name, r.File, r.Line, r.Detail)
				}
				if isGolden(r.Name) {
					goldens++
				} else {
					rules++
				}
			}
			if goldens == 0 || rules == 0 {
				t.Errorf("%d golden reports and %d rules", goldens, rules)
			}
		})
	}
}

func TestWorkedPolicyOnTheOpener(t *testing.T) {
	for dir, want := range map[string]bool{"production-signed": false, "reserved-family": true, "sbom-licences": false} {
		p, err := Load([]string{filepath.Join("../docs/policies", dir)}, "")
		if err != nil || p.RefersToOpener() != want {
			t.Errorf("%s: %v, %v", dir, p.OpenerFields(), err)
		}
	}
}

func TestTestsFail(t *testing.T) {
	policy := "package trustfs\ndeny contains \"x\" if input.report.score > 20"
	report := `{"report":{"path":"m","score":40},`
	tests := []struct {
		name, file, text string
		passed           bool
		detail           string // part of the failed test's detail, or of the error
	}{
		{"a true rule", "p_test.rego", "package t\nimport data.trustfs\ntest_a if count(trustfs.deny) == 1 with input.report.score as 30", true, ""},
		{"a false rule", "p_test.rego", "package t\nimport data.trustfs\ntest_a if count(trustfs.deny) == 2 with input.report.score as 30", false, "not true"},
		{"old syntax", "p_test.rego", "package t\nimport data.trustfs\ntest_a { count(trustfs.deny) == 1 with input.report.score as 30 }", true, ""},
		{"a skipped rule", "p_test.rego", "package t\ntodo_test_a if true", false, "skipped"},
		{"a failing built-in", "p_test.rego", "package t\ntest_a if to_number(\"x\") == 1", false, "invalid syntax"},
		{"no test", "p_test.rego", "package t\nx := 1", false, "no test_* rule"},
		{"a golden report", "a.golden.json", report + `"deny":["x"]}`, true, ""},
		{"another answer", "a.golden.json", report + `"deny":["y"]}`, false, `deny ["x"]`},
		{"no denial expected", "a.golden.json", report + `"warn":[]}`, false, `deny ["x"]`},
		{"misspelt", "a.golden.json", report + `"denny":["x"]}`, false, "unknown field"},
		{"misspelt inside", "a.golden.json", report + `"opener":{"user":1},"deny":["x"]}`, false, "opener"},
		{"no report", "a.golden.json", `{"report":{},"deny":[]}`, false, "no path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"p.rego": policy, tt.file: tt.text} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			results, err := Test(context.Background(), []string{dir}, "")
			got := ""
			if err != nil {
				got = err.Error()
			} else if len(results) != 1 || Passed(results) != tt.passed {
				t.Fatalf("%+v", results)
			} else {
				got = results[0].Detail
			}
			if (err == nil && results[0].Passed) != tt.passed || !strings.Contains(got, tt.detail) {
				t.Errorf("passed %v, %q; want %v, %q", err == nil && results[0].Passed, got, tt.passed, tt.detail)
			}
		})
	}
}

func TestExampleInputHasEveryKey(t *testing.T) {
	b, err := ExampleInput()
	if err != nil {
		t.Fatal(err)
	}
	var in map[string]map[string]any
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	for part, keys := range map[string][]string{
		"report":     {"format", "formats", "class", "score", "level", "breakdown", "findings", "facts"},
		"provenance": {"pinned", "accepts", "checksum", "checksum_trusted", "checksum_list", "signature"},
		"sbom":       {"status", "file", "trusted", "document"},
		"file":       {"path", "links", "sha256", "size", "uid", "gid", "mode"},
		"context":    {"environment", "host", "labels"},
		"opener":     openerFields,
	} {
		if len(in[part]) != len(keys) {
			t.Errorf("%s has %d keys, want %d", part, len(in[part]), len(keys))
		}
		for _, k := range keys {
			if _, ok := in[part][k]; !ok {
				t.Errorf("%s.%s is missing", part, k)
			}
		}
	}
}
