package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

func ptr[T any](v T) *T { return &v }

// load compiles one file.
func load(t *testing.T, text, query string) (*Policy, error) {
	t.Helper()
	return compile([]source{{"policy.rego", text}}, query)
}

func mustLoad(t *testing.T, text, query string) *Policy {
	t.Helper()
	p, err := load(t, text, query)
	if err != nil {
		t.Fatal(err)
	}
	p.Timeout = time.Minute // a loaded machine is no finding
	return p
}

func example() Input {
	return Input{
		Report:     Report{Format: "pickle", Class: "model", Score: 40, Level: "MEDIUM", Breakdown: map[string]int{"unsigned_model": 40}},
		Provenance: Provenance{Checksum: "none", Signature: Signature{Status: "none"}},
		SBOM:       SBOM{Status: "none"},
		File:       File{Path: "bert/model.bin", Size: 10},
		Context:    Context{Environment: ptr("production")},
		Opener:     Opener{UID: ptr(uint32(1000)), GID: ptr(uint32(1000)), Groups: ptr([]uint32{4}), PID: ptr(uint32(1)), Executable: ptr("/usr/bin/python3"), Cgroup: ptr("/x")},
	}
}

func TestDecisions(t *testing.T) {
	tests := []struct {
		name, text, query string
		deny, warn        []string
	}{
		{"today's deny", "package trustfs\ndeny contains msg if { input.report.score > 20; msg := \"score\" }", "", []string{"score"}, nil},
		{"old deny", "package trustfs\ndeny[msg] { input.report.score > 20; msg := \"score\" }", "", []string{"score"}, nil},
		{"old deny, not met", "package trustfs\ndeny[msg] { input.report.score > 50; msg := \"score\" }", "", nil, nil},
		{"old with import", "package trustfs\nimport input.report as r\ndeny[msg] { r.score == 40; msg := r.format }", "", []string{"pickle"}, nil},
		{"deny[msg] in today's syntax", "package trustfs\ndeny[msg] if { msg := \"x\" }", "", []string{"x"}, nil},
		{"warn", "package trustfs\nwarn contains \"careful\" if input.provenance.signature.status == \"none\"", "", nil, []string{"careful"}},
		{"both, sorted", "package trustfs\ndeny contains \"b\"\ndeny contains \"a\"\nwarn contains \"w\"", "", []string{"a", "b"}, []string{"w"}},
		{"own package by query", "package acme.models\ndeny contains \"x\"", "data.acme.models", []string{"x"}, nil},
		{"own package alone", "package acme.models\ndeny contains \"x\"", "", []string{"x"}, nil},
		{"one rule by query", "package acme\ndeny contains \"x\"\nwarn contains \"y\"", "data.acme.warn", nil, []string{"y"}},
		{"objects", "package trustfs\ndeny contains {\"msg\": \"m\", \"code\": 1}\ndeny contains {\"code\": 2}", "", []string{"m", `{"code":2}`}, nil},
		{"complete string", "package trustfs\ndeny := \"no\"", "", []string{"no"}, nil},
		{"complete true", "package trustfs\ndeny := true", "", []string{"true"}, nil},
		{"complete false", "package trustfs\ndeny := false", "", nil, nil},
		{"allow true", "package trustfs\ndefault allow := false\nallow if input.report.score == 40", "", nil, nil},
		{"allow false", "package trustfs\ndefault allow := false\nallow if input.report.score == 41", "", []string{"data.trustfs.allow is not true"}, nil},
		{"allow undefined", "package trustfs\nallow if input.report.score == 41", "", []string{"data.trustfs.allow is not true"}, nil},
		{"unknown is null", "package trustfs\ndeny contains \"x\" if input.file.uid != 0\ndeny contains \"y\" if input.sbom.document == null", "", []string{"x", "y"}, nil},
		{"empty lists count", "package trustfs\ndeny contains \"x\" if count(input.report.findings) == 0", "", []string{"x"}, nil},
		{"empty maps count", "package trustfs\ndeny contains \"x\" if count(input.context.labels) == 0", "", []string{"x"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustLoad(t, tt.text, tt.query)
			d, err := p.Eval(context.Background(), example())
			if err != nil || !slices.Equal(d.Deny, tt.deny) || !slices.Equal(d.Warn, tt.warn) {
				t.Errorf("deny %q, warn %q, %v; want %q, %q", d.Deny, d.Warn, err, tt.deny, tt.warn)
			}
		})
	}
}

func TestPoliciesThatDoNotLoad(t *testing.T) {
	tests := []struct{ name, text, query, message string }{
		{"syntax", "package trustfs\ndeny contains msg if {", "", "policy.rego:2"},
		{"misspelt key", "package trustfs\ndeny contains \"x\" if input.report.scroe > 1", "", "scroe"},
		{"misspelt top key", "package trustfs\ndeny contains \"x\" if input.reprot.score > 1", "", "reprot"},
		{"misspelt key in a list", "package trustfs\ndeny contains \"x\" if input.report.findings[_].rul == \"x\"", "", "rul"},
		{"misspelt key, old syntax", "package trustfs\ndeny[\"x\"] { input.opener.user == 0 }", "", "user"},
		{"unknown function", "package trustfs\ndeny contains \"x\" if nosuch(1)", "", "nosuch"},
		{"misspelt rule", "package trustfs\ndenny contains \"x\"", "", "none of the rules"},
		{"no package of that name", "package trustfs\ndeny contains \"x\"", "data.other", "no such package"},
		{"not a query", "package trustfs\ndeny contains \"x\"", "trustfs", "expected a package"},
		{"empty", "", "", "empty module"},
		{"recursion", "package trustfs\ndeny contains \"x\" if deny", "", "recursive"},
	}
	for _, b := range []string{
		"http.send({\"method\":\"get\",\"url\":\"http://x\"})", "time.now_ns()", "rand.intn(\"x\", 5)", "uuid.rfc4122(\"x\")", "opa.runtime()",
		"net.lookup_ip_addr(\"x\")", "io.jwt.decode_verify(\"x\", {})", "json.match_schema({}, {})", "crypto.x509.parse_and_verify_certificates(\"x\")",
	} {
		name, _, _ := strings.Cut(b, "(")
		tests = append(tests, struct{ name, text, query, message string }{b, "package trustfs\ndeny contains \"x\" if " + b, "", "undefined function " + name})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := load(t, tt.text, tt.query); err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("error %v, want one with %q", err, tt.message)
			}
		})
	}
	two := []source{{"a.rego", "package a\ndeny contains \"x\""}, {"b.rego", "package b\ndeny contains \"x\""}}
	if _, err := compile(two, ""); err == nil || !strings.Contains(err.Error(), "data.a, data.b") {
		t.Errorf("two packages and no query: %v", err)
	}
}

func TestOfferedBuiltinsExist(t *testing.T) {
	if got := len(capabilities().Builtins); got != len(offered) {
		t.Errorf("%d of %d offered functions exist", got, len(offered))
	}
	for _, b := range capabilities().Builtins {
		if b.Nondeterministic {
			t.Errorf("%s is offered and is no function of its arguments", b.Name)
		}
	}
	if c := capabilities(); c.AllowNet == nil {
		t.Error("every network host is allowed")
	}
	if len(ast.Builtins) <= len(offered) {
		t.Error("nothing is left out")
	}
}

func TestErrorsRefuse(t *testing.T) {
	tests := []struct {
		name, text string
		is         error
	}{
		{"failing built-in", "package trustfs\ndeny contains \"x\" if to_number(input.report.format) > 1", nil},
		{"division by zero", "package trustfs\ndeny contains \"x\" if 1 / input.report.facts.tensors > 1", nil},
		{"conflict", "package trustfs\ndeny := \"a\" if input.report.score > 0\ndeny := \"b\" if input.report.score > 1", nil},
		{"number", "package trustfs\ndeny := 7", nil},
		{"null", "package trustfs\ndeny := null", nil},
		{"endless", "package trustfs\ndeny contains \"x\" if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); some c in numbers.range(1, 3000); a + b == c]) == 0", ErrTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustLoad(t, tt.text, "")
			p.Timeout = 300 * time.Millisecond
			d, err := p.Eval(context.Background(), example())
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("x", 2*maxMessageBytes)
	p := mustLoad(t, `package trustfs
deny contains sprintf("%d`+long+`", [i]) if some i in numbers.range(1, 500)`, "")
	d, err := p.Eval(context.Background(), example())
	if err != nil || len(d.Deny) != maxMessages+1 || len(d.Deny[0]) > maxMessageBytes {
		t.Errorf("%d messages, %v", len(d.Deny), err)
	}
}

func TestOpenerFields(t *testing.T) {
	tests := []struct {
		name, body string
		want       []string
	}{
		{"none", "input.report.score > 1", nil},
		{"one", "input.opener.uid == 0", []string{"uid"}},
		{"two", "input.opener.uid == 0; input.opener.cgroup == \"x\"", []string{"uid", "cgroup"}},
		{"bracket", "input[\"opener\"][\"gid\"] == 0", []string{"gid"}},
		{"whole", "x := input.opener; x.uid == 0", openerFields},
		{"all of the input", "x := input; x.report.score == 1", openerFields},
		{"some key", "some k; input[k].uid == 0", openerFields},
		{"some field", "some k; input.opener[k] == 0", openerFields},
		{"by walk", "walk(input, [_, 0])", openerFields},
		{"by function", "f(input)", openerFields},
		{"in a comprehension", "count([1 | input.opener.pid == 1]) == 1", []string{"pid"}},
		{"the word in a string", "input.report.format == \"input.opener.uid\"", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustLoad(t, "package trustfs\nf(x) if x.report.score == 1\ndeny contains \"x\" if { "+tt.body+" }", "")
			if !slices.Equal(p.OpenerFields(), tt.want) || p.RefersToOpener() != (len(tt.want) > 0) {
				t.Errorf("%v, want %v", p.OpenerFields(), tt.want)
			}
		})
	}
	p := mustLoad(t, "package trustfs\nimport input.opener as who\ndeny contains \"x\" if who.uid == 0", "")
	if !slices.Contains(p.OpenerFields(), "uid") {
		t.Errorf("by import: %v", p.OpenerFields())
	}
	helper := []source{{"a.rego", "package trustfs\nimport data.lib\ndeny contains \"x\" if lib.root"}, {"b.rego", "package lib\nroot if input.opener.uid == 0"}}
	p, err := compile(helper, "")
	if err != nil || !slices.Equal(p.OpenerFields(), []string{"uid"}) {
		t.Errorf("in another package: %v, %v", p, err)
	}
}

func TestUnknownOpener(t *testing.T) {
	p := mustLoad(t, "package trustfs\ndeny contains \"x\" if input.opener.executable == \"/bin/sh\"", "")
	in := example()
	in.Opener.Executable = nil
	if _, err := p.Eval(context.Background(), in); !errors.Is(err, ErrOpenerUnknown) {
		t.Errorf("%v", err)
	}
	in = example()
	in.Opener.Cgroup = nil // not referred to
	if d, err := p.Eval(context.Background(), in); err != nil || len(d.Deny) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPerFile(t *testing.T) {
	p := mustLoad(t, "package trustfs\ndeny contains sprintf(\"not you, %d\", [input.opener.uid]) if input.opener.uid != 0", "")
	f, err := p.ForFile(example())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from memory
		for uid, want := range map[uint32][]string{0: nil, 7: {"not you, 7"}, 8: {"not you, 8"}} {
			d, err := f.Eval(context.Background(), Opener{UID: &uid})
			if err != nil || !slices.Equal(d.Deny, want) {
				t.Errorf("uid %d: %+v, %v", uid, d, err)
			}
		}
	}
	if len(f.answers) != 3 {
		t.Errorf("%d answers kept", len(f.answers))
	}
	if _, err := f.Eval(context.Background(), Opener{}); !errors.Is(err, ErrOpenerUnknown) {
		t.Errorf("unknown opener: %v", err)
	}
	for uid := range uint32(2 * maxOpeners) {
		if _, err := f.Eval(context.Background(), Opener{UID: &uid}); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.answers) > maxOpeners {
		t.Errorf("%d answers kept", len(f.answers))
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.rego")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("package trustfs\ndeny contains \"one\"")
	put2 := filepath.Join(dir, "p_test.rego")
	if err := os.WriteFile(put2, []byte("package trustfs_test\ntest_x if false"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := Hold([]string{dir}, "")
	if err != nil {
		t.Fatal(err)
	}
	h.Policy().Timeout = time.Minute
	says := func(want string) {
		t.Helper()
		d, err := h.Policy().Eval(context.Background(), example())
		if err != nil || !slices.Equal(d.Deny, []string{want}) {
			t.Errorf("%+v, %v; want %s", d, err, want)
		}
	}
	says("one")
	if changed, err := h.Reload(); changed || err != nil {
		t.Errorf("nothing changed: %v, %v", changed, err)
	}
	put("package trustfs\ndeny contains {")
	if changed, err := h.Reload(); changed || err == nil || h.Err() == nil {
		t.Errorf("a policy that does not compile: %v, %v, %v", changed, err, h.Err())
	}
	says("one")
	put("package trustfs\ndeny contains \"two\"")
	if changed, err := h.Reload(); !changed || err != nil || h.Err() != nil {
		t.Errorf("mended: %v, %v, %v", changed, err, h.Err())
	}
	says("two")
	if _, err := Hold([]string{filepath.Join(dir, "absent.rego")}, ""); err == nil {
		t.Error("started without the policy that was named")
	}
}

func TestFileBounds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.rego")
	if err := os.WriteFile(file, []byte("package trustfs\n#"+strings.Repeat("x", maxFileBytes)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load([]string{file}, ""); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("package trustfs\ndeny contains \"x\" if input.report.score > 1")
	f.Add("package trustfs\ndeny[msg] { msg := input.opener.uid }")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := compile([]source{{"policy.rego", text}}, ""); err == nil && len(p.rules) == 0 {
			t.Error("a policy that asks nothing")
		}
	})
}
