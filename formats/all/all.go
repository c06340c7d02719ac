// Package all holds the one table of inspectors and runs it over a file: the only door through which the worker enters
// the parsers.
//
// Detection is by content. Every inspector that some loader would agree with runs, not only the first, and their
// findings add up; names only widen what is looked for. Whatever an inspector does wrong (a panic, a read that fails)
// is a finding that refuses the file: nothing here can turn a failure into silence.
package all

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"trustfs/formats"
)

// Options of one inspection.
type Options struct {
	Budget  formats.Budget // the zero value means formats.DefaultBudget()
	Presets []string       // allowlist presets that are on
}

// Inspect judges size bytes of r, known to loaders under names (base names; several behind a Hugging Face blob), and
// always returns a usable Result: when anything goes wrong the Result holds a finding that says so.
func Inspect(r io.ReaderAt, size int64, names []string, opts Options) formats.Result {
	if opts.Budget == (formats.Budget{}) {
		opts.Budget = formats.DefaultBudget()
	}
	c := &formats.Context{Budget: opts.Budget, Presets: opts.Presets, Nested: nested}
	in := &input{r: r, size: size}
	s := &formats.Source{R: in, Size: size, Names: names}
	found := detect(c, s)
	var reported []string
	for _, e := range found {
		first := c.Result.Format
		c.Result.Format = e.Name()
		run(c, s, e, e.Inspect)
		reported = append(reported, c.Result.Format)
		if first != "" {
			c.Result.Format = first
		}
	}
	classify(c, s, found)
	slices.Sort(reported[min(1, len(reported)):])
	if reported = slices.Compact(reported); len(reported) > 1 {
		c.Result.Formats = reported
	}
	if in.err != nil {
		c.Addf(formats.RuleInspectorFailed, "", "could not read the bytes to judge: %v", in.err)
	}
	if c.Result.Findings == nil {
		c.Result.Findings = []formats.Finding{}
	}
	return c.Result
}

// nested inspects a member of a container with every inspector that accepts it.
func nested(c *formats.Context, s *formats.Source) {
	if c.Stopped() {
		return
	}
	if s.Depth > c.Budget.Depth {
		c.Exceeded(s.Where, "containers nested deeper than %d", c.Budget.Depth)
		return
	}
	found := detect(c, s)
	for _, e := range found {
		run(c, s, e, e.Inspect)
	}
	polyglot(c, s, found)
}

// detect returns the entries whose loaders would accept s, in table order.
func detect(c *formats.Context, s *formats.Source) []entry {
	var found []entry
	for _, e := range table {
		run(c, s, e, func(c *formats.Context, s *formats.Source) {
			if e.Detect(c, s) {
				found = append(found, e)
			}
		})
	}
	return found
}

// run calls one step of an inspector and turns a panic into a finding, named by the place in the code so that it can
// be mended, but never by values: they come from the file.
func run(c *formats.Context, s *formats.Source, e entry, step func(*formats.Context, *formats.Source)) {
	if c.Stopped() {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.Addf(formats.RuleInspectorFailed, s.Where, "the %s inspector failed at %s: %s", e.Name(), panicPlace(), panicText(v))
		}
	}()
	step(c, s)
}

// panicText says what kind of panic it was: a runtime error's text, else only its type.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("panic of type %T", v)
}

// panicPlace names the function and line below which the panic rose: the first frames above it that are not the
// runtime's.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") && f.Function != "" {
			return fmt.Sprintf("%s:%d", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
