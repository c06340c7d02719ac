package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// Bounds of a policy.
const (
	maxFileBytes = 4 << 20
	maxFiles     = 1000
	// DefaultTimeout is for one evaluation. Usual policies take microseconds; a loaded machine must not make a refusal of it.
	DefaultTimeout = 5 * time.Second
)

// DefaultQuery is the package that is asked where no other is named.
const DefaultQuery = "data.trustfs"

// A Policy is a set of compiled Rego files and the package in them that is asked. It is immutable and safe for parallel
// use.
type Policy struct {
	// Timeout bounds one evaluation; 0 means DefaultTimeout. Set it before the first Eval.
	Timeout time.Duration

	files    []source
	query    string
	compiler *ast.Compiler
	rules    []string               // of deny, warn and allow those that are asked
	prepared rego.PreparedEvalQuery // gives each of them as a list, empty where it has no value
	opener   []string
	epoch    string
}

// A source is one Rego file.
type source struct {
	name string
	text string
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.rego") }

// Load reads and compiles a policy. files are Rego files, or folders whose *.rego files are taken; *_test.rego files are
// left for Test. Each file may be in today's Rego or in that of OPA before 1.0 (deny[msg] { ... }).
//
// query is a package ("data.example.models") or one rule of it named deny, warn or allow. Empty means data.trustfs if there
// is such a package, else the only package that has one of these rules. An error names the file and the line.
func Load(files []string, query string) (*Policy, error) {
	sources, err := readAll(files)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	p, err := compile(sources, query)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return p, nil
}

// compile makes a Policy of sources.
func compile(sources []source, query string) (*Policy, error) {
	p := &Policy{files: sources}
	modules := map[string]*ast.Module{}
	for _, s := range sources {
		if s.isTest() {
			continue
		}
		m, err := parse(s)
		if err != nil {
			return nil, err
		}
		modules[s.name] = m
	}
	if len(modules) == 0 {
		return nil, errors.New("no *.rego file that is no test")
	}
	p.compiler = ast.NewCompiler().WithCapabilities(capabilities()).WithSchemas(inputSchema()).WithEnablePrintStatements(false)
	if p.compiler.Compile(modules); p.compiler.Failed() {
		return nil, p.compiler.Errors
	}
	var err error
	if p.query, err = chooseQuery(modules, query); err != nil {
		return nil, err
	}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	p.opener = openerRefs(p.compiler)
	p.epoch = epochOf(sources, p.query)
	return p, nil
}

// parse takes today's syntax, then the old one. When neither fits, the error holds both: which one was meant is not known.
func parse(s source) (*ast.Module, error) {
	opts := ast.ParserOptions{Capabilities: capabilities(), RegoVersion: ast.RegoV1}
	m, err := ast.ParseModuleWithOpts(s.name, s.text, opts)
	if err == nil {
		return m, nil
	}
	opts.RegoVersion = ast.RegoV0
	old, oldErr := ast.ParseModuleWithOpts(s.name, s.text, opts)
	if oldErr == nil {
		return old, nil
	}
	return nil, fmt.Errorf("%w\n(in the syntax before OPA 1.0: %w)", err, oldErr)
}

// prepare readies one query for all the rules that are asked. Each is wrapped in a list, since a rule without a value would
// leave the whole query without one.
func (p *Policy) prepare() (err error) {
	pkg, only := splitQuery(p.query)
	var parts []string
	for _, name := range ruleNames {
		ref := pkg + "." + name
		if only != "" && only != name || len(p.compiler.GetRulesExact(ast.MustParseRef(ref))) == 0 && !hasPrefixRule(p.compiler, ref) {
			continue
		}
		p.rules = append(p.rules, name)
		parts = append(parts, fmt.Sprintf("%s = [v | v = %s]", name, ref))
	}
	if len(p.rules) == 0 {
		return fmt.Errorf("%s has none of the rules deny, warn and allow: nothing would ever be refused", p.query)
	}
	p.prepared, err = rego.New(
		rego.Compiler(p.compiler), rego.Query(strings.Join(parts, "; ")), rego.StrictBuiltinErrors(true), rego.Capabilities(capabilities()),
	).PrepareForEval(context.Background())
	return err
}

// Epoch changes whenever the policy does: a digest of its files and query.
func (p *Policy) Epoch() string { return p.epoch }

// Query is the package, or rule, that is asked.
func (p *Policy) Query() string { return p.query }

func epochOf(sources []source, query string) string {
	h := sha256.New()
	for _, s := range sources {
		fmt.Fprintf(h, "%d %s %d %s\n", len(s.name), s.name, len(s.text), s.text)
	}
	fmt.Fprint(h, query)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// readAll reads the files, and the *.rego files of the folders, sorted and each once.
func readAll(files []string) ([]source, error) {
	var names []string
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			names = append(names, f)
			continue
		}
		inside, err := filepath.Glob(filepath.Join(escapeGlob(f), "*.rego"))
		if err != nil {
			return nil, err
		}
		names = append(names, inside...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%d files, at most %d", len(names), maxFiles)
	}
	var all []source
	for _, n := range names {
		text, err := readFile(n)
		if err != nil {
			return nil, err
		}
		all = append(all, source{n, text})
	}
	return all, nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func readFile(name string) (string, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFileBytes {
		return "", fmt.Errorf("%s: more than %d bytes", name, maxFileBytes)
	}
	return string(b), nil
}
