package advice

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/gatekeeper"
	"trustfs/policy"
	"trustfs/provenance"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func question() *gatekeeper.Question {
	return &gatekeeper.Question{
		Report:   &gatekeeper.Report{Format: "gguf", Class: "model", Score: 10},
		Evidence: &provenance.Evidence{}, Path: "family/m.gguf", File: &gatekeeper.Attributes{UID: 7, Mode: 0o640},
	}
}

func TestAdvice(t *testing.T) {
	tests := []struct {
		name, rego string
		opener     *gatekeeper.Opener
		deny       string
		err        error
		refers     bool
	}{
		{name: "the file", rego: `deny contains "no" if { input.file.path == "family/m.gguf"; input.file.uid == 7; input.file.mode == "0640" }`, deny: "no"},
		{name: "the report", rego: `deny contains input.report.format if input.report.score > 5`, deny: "gguf"},
		{name: "the context", rego: `deny contains "here" if input.context.environment == "production"`, deny: "here"},
		{name: "old Rego", rego: "OLD", deny: "old"},
		{name: "this user", rego: `deny contains "user" if input.opener.uid != 1000`, opener: &gatekeeper.Opener{UID: 1}, deny: "user", refers: true},
		{name: "another user", rego: `deny contains "user" if input.opener.uid != 1000`, opener: &gatekeeper.Opener{UID: 1000}, refers: true},
		{name: "nobody", rego: `deny contains "user" if input.opener.uid != 1000`, err: policy.ErrOpenerUnknown, refers: true},
		{name: "an executable", rego: `deny contains "exe" if not endswith(input.opener.executable, ".test")`, opener: &gatekeeper.Opener{PID: uint32(os.Getpid())}, refers: true},
		{name: "an executable out of sight", rego: `deny contains "exe" if not endswith(input.opener.executable, ".test")`, opener: &gatekeeper.Opener{}, err: policy.ErrOpenerUnknown, refers: true},
		{name: "groups", rego: `deny contains "g" if count(input.opener.groups) > 64000`, opener: &gatekeeper.Opener{PID: 1}, refers: true},
	}
	for _, tt := range tests {
		file := filepath.Join(t.TempDir(), "p.rego")
		text := "package trustfs\nimport rego.v1\n" + tt.rego + "\n"
		if tt.rego == "OLD" {
			text = "package trustfs\ndeny[msg] { input.report.format == \"gguf\"; msg := \"old\" }\n"
		}
		write(t, file, text)
		production := "production"
		a, err := New([]string{file}, "", policy.Context{Environment: &production}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, err := a.Advise(context.Background(), question(), tt.opener)
		if !errors.Is(err, tt.err) || strings.Join(got.Deny, ",") != tt.deny || a.RefersToOpener() != tt.refers {
			t.Errorf("%s: %v, %v, refers to the opener: %v", tt.name, got, err, a.RefersToOpener())
		}
	}
}

func TestAChangedPolicyIsInForceAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.rego")
	write(t, file, "package trustfs\nimport rego.v1\ndeny contains \"one\" if true\n")
	var log bytes.Buffer
	a, err := New([]string{file}, "", policy.Context{}, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	q, first := question(), a.Epoch()
	ask := func(want string) {
		t.Helper()
		got, err := a.Advise(context.Background(), q, nil)
		if err != nil || strings.Join(got.Deny, ",") != want {
			t.Errorf("%v, %v, expected %s", got, err, want)
		}
	}
	ask("one")
	write(t, file, "package trustfs\nimport rego.v1\ndeny contains \"another\" if true\n")
	second := a.Epoch()
	if second == first {
		t.Error("a changed policy has the same epoch")
	}
	ask("another")
	write(t, file, "package trustfs\nthis is no policy\n")
	if a.Epoch() != second || a.Err() == nil {
		t.Error("a policy that does not compile replaced the one in force, or nothing says so")
	}
	ask("another")
	if !strings.Contains(log.String(), `"msg":"policy.reloaded","ok":true`) || !strings.Contains(log.String(), `"msg":"policy.reloaded","ok":false`) {
		t.Errorf("log: %s", log.String())
	}
	if _, err := New([]string{file}, "", policy.Context{}, nil); err == nil {
		t.Error("a policy that does not compile starts")
	}
}
