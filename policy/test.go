package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
)

// A TestResult is the outcome of one test rule, or of one golden report.
type TestResult struct {
	Name   string // "data.trustfs_test.test_x", or the golden file
	File   string
	Line   int
	Passed bool
	Detail string // why not
}

// testTimeout bounds one test rule.
const testTimeout = 10 * time.Second

// Test runs the test rules (test_*) of the *_test.rego files, and holds each golden report against what the policy says of
// it now. paths are files and folders as for Load; golden reports are *.golden.json files among them. Results are sorted by
// name. No test at all is an error: a test run that tests nothing must not pass.
func Test(ctx context.Context, paths []string, query string) ([]TestResult, error) {
	sources, err := readAll(slices.DeleteFunc(slices.Clone(paths), isGolden))
	if err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	p, err := compile(sources, query)
	if err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	p.Timeout = testTimeout
	results, err := runRego(ctx, sources)
	if err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	golden, err := goldenFiles(paths)
	if err != nil {
		return nil, fmt.Errorf("policy test: %w", err)
	}
	for _, g := range golden {
		results = append(results, p.runGolden(ctx, g))
	}
	if len(results) == 0 {
		return nil, errors.New("policy test: no test_* rule in a *_test.rego file, and no *.golden.json")
	}
	slices.SortFunc(results, func(a, b TestResult) int { return strings.Compare(a.Name, b.Name) })
	return results, nil
}

// runRego runs the rules test_*, with the capabilities and the input's keys that the policy has in use.
func runRego(ctx context.Context, sources []source) (results []TestResult, err error) {
	modules := map[string]*ast.Module{}
	for _, s := range sources {
		if modules[s.name], err = parse(s); err != nil {
			return nil, err
		}
	}
	caps := capabilities()
	for _, b := range ast.Builtins {
		if b.Name == ast.InternalTestCase.Name && !slices.ContainsFunc(caps.Builtins, func(have *ast.Builtin) bool { return have.Name == b.Name }) {
			caps.Builtins = append(caps.Builtins, b)
		}
	}
	compiler := ast.NewCompiler().WithCapabilities(caps).WithSchemas(inputSchema())
	ch, err := tester.NewRunner().SetCompiler(compiler).SetModules(modules).RaiseBuiltinErrors(true).
		SetTimeout(testTimeout).RunTests(ctx, nil)
	if err != nil {
		return nil, err
	}
	for r := range ch {
		t := TestResult{Name: r.Package + "." + r.Name, Passed: r.Pass()}
		if r.Location != nil {
			t.File, t.Line = r.Location.File, r.Location.Row
		}
		switch {
		case r.Error != nil:
			t.Detail = r.Error.Error()
		case r.Skip:
			t.Detail = "skipped (todo_)"
		case r.Fail:
			t.Detail = "the rule is not true"
		}
		results = append(results, t)
	}
	return results, nil
}

// A golden file states what a policy says of one report:
//
//	{"report": a line of audit --json, "file": {...}, "sbom": {...}, "context": {...}, "opener": {...},
//	 "deny": ["message", ...], "warn": [...]}
//
// All but report may be left out; deny and warn are then empty.
type golden struct {
	Report  json.RawMessage `json:"report"`
	File    json.RawMessage `json:"file"`
	SBOM    json.RawMessage `json:"sbom"`
	Context json.RawMessage `json:"context"`
	Opener  json.RawMessage `json:"opener"`
	Deny    []string        `json:"deny"`
	Warn    []string        `json:"warn"`
}

func isGolden(path string) bool { return strings.HasSuffix(path, ".golden.json") }

func goldenFiles(paths []string) (files []string, err error) {
	for _, p := range paths {
		if isGolden(p) {
			files = append(files, p)
			continue
		}
		inside, err := filepath.Glob(filepath.Join(escapeGlob(p), "*.golden.json"))
		if err != nil {
			return nil, err
		}
		files = append(files, inside...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func (p *Policy) runGolden(ctx context.Context, file string) TestResult {
	t := TestResult{Name: file, File: file}
	g, in, err := readGolden(file)
	if err != nil {
		t.Detail = err.Error()
		return t
	}
	d, err := p.Eval(ctx, in)
	if err != nil {
		t.Detail = err.Error()
		return t
	}
	slices.Sort(g.Deny)
	slices.Sort(g.Warn)
	t.Passed = slices.Equal(d.Deny, g.Deny) && slices.Equal(d.Warn, g.Warn)
	if !t.Passed {
		t.Detail = fmt.Sprintf("deny %q, warn %q; expected deny %q, warn %q", d.Deny, d.Warn, g.Deny, g.Warn)
	}
	return t
}

func readGolden(file string) (g golden, in Input, err error) {
	text, err := readFile(file)
	if err != nil {
		return g, in, err
	}
	if err := strict([]byte(text), &g); err != nil {
		return g, in, fmt.Errorf("%s: %w", file, err)
	}
	if in, err = FromReport(g.Report); err != nil {
		return g, in, fmt.Errorf("%s: %w", file, err)
	}
	for key, part := range map[string]struct {
		raw json.RawMessage
		to  any
	}{"file": {g.File, &in.File}, "sbom": {g.SBOM, &in.SBOM}, "context": {g.Context, &in.Context}, "opener": {g.Opener, &in.Opener}} {
		if part.raw == nil {
			continue
		}
		if err := strict(part.raw, part.to); err != nil {
			return g, in, fmt.Errorf("%s: %s: %w", file, key, err)
		}
	}
	return g, in, nil
}

// strict decodes JSON whose keys must all be known, so that a misspelt one is not an absent one.
func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// Passed says whether every test did.
func Passed(results []TestResult) bool {
	return !slices.ContainsFunc(results, func(r TestResult) bool { return !r.Passed })
}

// ExampleInput is an Input with every key, for people who write policies: as JSON it is what a policy sees.
func ExampleInput() ([]byte, error) {
	in, err := FromReport([]byte(`{"path":"bert/pytorch_model.bin","format":"pytorch-zip","class":"model","level":"MEDIUM","score":40}`))
	if err != nil {
		return nil, err
	}
	return in.Document()
}

// Document is the input as a policy sees it, in indented JSON: [] and {} where Go has nothing.
func (in Input) Document() ([]byte, error) {
	v, err := toValue(in)
	if err != nil {
		return nil, err
	}
	j, err := ast.JSON(v)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(j, "", "  ")
}
