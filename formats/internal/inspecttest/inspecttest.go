// Package inspecttest runs one inspector over bytes, for the tests of inspectors.
package inspecttest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
)

// Run detects and inspects b under the given names. detected is false where the inspector does not accept b.
func Run(i formats.Inspector, b []byte, names ...string) (r formats.Result, detected bool) {
	return RunBudget(i, formats.DefaultBudget(), b, names...)
}

// RunBudget is Run with a budget.
func RunBudget(i formats.Inspector, budget formats.Budget, b []byte, names ...string) (r formats.Result, detected bool) {
	c := &formats.Context{Budget: budget, Nested: func(c *formats.Context, s *formats.Source) {
		c.Fact("nested "+s.Where, fmt.Sprint(s.Size))
	}}
	s := &formats.Source{R: bytes.NewReader(b), Size: int64(len(b)), Names: names}
	if !i.Detect(c, s) {
		return c.Result, false
	}
	c.Result.Format = i.Name()
	i.Inspect(c, s)
	return c.Result, true
}

// Rules lists the rules of r's findings, sorted, each once, with spaces between.
func Rules(r formats.Result) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// Expect fails the test unless b is detected and r's rules are want.
func Expect(t *testing.T, i formats.Inspector, b []byte, want string, names ...string) formats.Result {
	t.Helper()
	r, ok := Run(i, b, names...)
	if !ok {
		t.Errorf("not detected as %s", i.Name())
	} else if got := Rules(r); got != want {
		t.Errorf("rules %q, want %q; findings %+v", got, want, r.Findings)
	}
	return r
}

// Mutations runs the inspector over every prefix of b (in steps) and every byte of b changed (in steps, three values
// each) and fails the test where that panics; the inspector's own bounds are what keeps it short.
func Mutations(t *testing.T, i formats.Inspector, b []byte, names ...string) {
	t.Helper()
	step := max(1, len(b)/400)
	for n := 0; n < len(b); n += step {
		Run(i, b[:n], names...)
		for _, v := range []byte{0, 0xff, b[n] ^ 1} {
			m := bytes.Clone(b)
			m[n] = v
			Run(i, m, names...)
		}
	}
}

// Fuzz adds the seeds and runs the inspector over what comes: it must end, not panic, and say the same twice.
func Fuzz(f *testing.F, i formats.Inspector, name string, seeds ...[]byte) {
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	small := formats.DefaultBudget()
	small.HeaderBytes, small.Inflated = 1<<20, 1<<20
	f.Fuzz(func(t *testing.T, b []byte) {
		first, _ := RunBudget(i, small, b, name)
		second, _ := RunBudget(i, small, b, name)
		if fmt.Sprintf("%+v", first) != fmt.Sprintf("%+v", second) {
			t.Fatalf("two runs differ:\n%+v\n%+v", first, second)
		}
	})
}
