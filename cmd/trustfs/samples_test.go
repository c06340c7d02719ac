package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trustfs/gatekeeper"
	"trustfs/testdata/gen"
)

// auditJSON runs the audit in this process and gives the reports by path below dir.
func auditJSON(t *testing.T, dir string, flags ...string) (map[string]gatekeeper.Report, int) {
	t.Helper()
	t.Setenv("PATH", worker+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out, errs bytes.Buffer
	args := append([]string{"audit", "--json", "--state", filepath.Join(t.TempDir(), "state")}, flags...)
	code := run(append(args, dir), strings.NewReader(""), &out, &errs)
	if errs.Len() > 0 {
		t.Fatalf("audit said: %s", errs.String())
	}
	reports := map[string]gatekeeper.Report{}
	for line := range strings.Lines(out.String()) {
		var r gatekeeper.Report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		reports[strings.TrimPrefix(r.Path, dir+"/")] = r
	}
	return reports, code
}

// Every file of the sample tree is refused for what it is, or admitted, when it is judged on content alone.
func TestSamples(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	marker := filepath.Join(t.TempDir(), "marker")
	if err := gen.Write(dir, marker); err != nil {
		t.Fatal(err)
	}
	reports, code := auditJSON(t, dir, "--profile", "content")
	if code != exitRefused {
		t.Errorf("exit status %d, want %d", code, exitRefused)
	}
	for _, s := range gen.Samples(marker) {
		r, there := reports[s.Path]
		switch {
		case s.Link != "":
			if there && r.Verdict == gatekeeper.Allow {
				t.Errorf("%q: a link was admitted", s.Path)
			}
		case !there:
			t.Errorf("%q: no report", s.Path)
		case s.Refused == "" && r.Verdict != gatekeeper.Allow:
			t.Errorf("%q: refused: %v", s.Path, r.Reasons)
		case s.Refused != "" && r.Verdict == gatekeeper.Allow:
			t.Errorf("%q: admitted: %v", s.Path, r.Reasons)
		case s.Refused != "" && !slices.ContainsFunc(r.Findings, func(f gatekeeper.Finding) bool { return f.Rule == s.Refused }):
			t.Errorf("%q: refused, but not for %s: %v", s.Path, s.Refused, r.Reasons)
		}
	}
	if _, err := os.Lstat(marker); err == nil {
		t.Error("a hostile payload ran: its marker is there")
	}
}

// The same files give the same reports, whatever order the workers finish in.
func TestAuditIsDeterministic(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	if err := gen.Write(dir, "/nowhere/marker"); err != nil {
		t.Fatal(err)
	}
	first, _ := auditJSON(t, dir)
	second, _ := auditJSON(t, dir)
	for path, a := range first {
		b := second[path]
		a.ElapsedMS, b.ElapsedMS = 0, 0
		x, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := json.Marshal(b)
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%q: two reports:\n%s\n%s", path, x, y)
		}
	}
}
