package formats

import (
	"fmt"
	"slices"
	"strconv"
)

// Bounds of what one analysis may say, so that an answer always fits the pipe to the parent.
const (
	MaxFindings = 1000
	MaxDetail   = 512    // bytes of a Finding's Detail and Where
	MaxGlobals  = 10_000 // names in Facts.Globals; more is a limit_exceeded finding
	MaxCalls    = 1000
)

// A Budget bounds the work on one file, containers and members together. Each field is what remains.
type Budget struct {
	Inflated    int64 // bytes that decompression may still produce
	Ratio       int64 // most output bytes for each input byte of one member (checked from 1 MiB of output on)
	Members     int64 // archive members
	Depth       int   // containers around one another
	Opcodes     int64 // pickle opcodes
	MemoEntries int64 // pickle memo and stack entries alive at once
	StringBytes int64 // bytes of strings that the pickle machine keeps
	HeaderBytes int64 // largest JSON, protobuf or metadata header read whole
}

// DefaultBudget is generous for real models and finite for bombs.
func DefaultBudget() Budget {
	return Budget{
		Inflated: 64 << 30, Ratio: 1100, Members: 200_000, Depth: 6,
		Opcodes: 2_000_000_000, MemoEntries: 64_000_000, StringBytes: 1 << 30, HeaderBytes: 100 << 20,
	}
}

// A Context collects what the inspectors of one file find, and holds their budget.
type Context struct {
	Budget  Budget
	Presets []string // names of the allowlist presets that are on
	Result  Result
	// Nested inspects a member with every inspector that accepts it. Set by formats/all.
	Nested func(c *Context, s *Source)

	seen    map[Finding]bool
	perRule map[string]int
	stopped bool
}

// Add records a finding, once; beyond MaxFindings only the first of each rule is kept and the rest is counted.
func (c *Context) Add(f Finding) {
	f.Detail, f.Where = clip(f.Detail), clip(f.Where)
	if c.seen == nil {
		c.seen, c.perRule = map[Finding]bool{}, map[string]int{}
	}
	if len(c.Result.Findings) >= MaxFindings && c.perRule[f.Rule] > 0 {
		c.Result.Truncated++
		return
	}
	if c.seen[f] {
		return
	}
	c.seen[f] = true
	c.perRule[f.Rule]++
	c.Result.Findings = append(c.Result.Findings, f)
}

// Addf is Add with a formatted detail.
func (c *Context) Addf(rule, where, format string, args ...any) {
	c.Add(Finding{Rule: rule, Where: where, Detail: fmt.Sprintf(format, args...)})
}

// Exceeded records a used-up budget and stops the analysis: the file is refused, with what says which budget.
func (c *Context) Exceeded(where, format string, args ...any) {
	c.Addf(RuleLimitExceeded, where, format, args...)
	c.stopped = true
}

// Stopped says that a budget is used up and inspectors should return.
func (c *Context) Stopped() bool { return c.stopped }

// SetFormat refines the reported format of the file itself; members do not rename their container.
func (c *Context) SetFormat(s *Source, name string) {
	if s.Depth == 0 {
		c.Result.Format = name
	}
}

// Fact records a format-specific fact, bounded.
func (c *Context) Fact(key, value string) {
	if c.Result.Facts.Extra == nil {
		c.Result.Facts.Extra = map[string]string{}
	}
	if len(c.Result.Facts.Extra) < 100 {
		c.Result.Facts.Extra[key] = clip(value)
	}
}

// Dtype records that tensors of a data type occur.
func (c *Context) Dtype(name string) {
	d := &c.Result.Facts.Dtypes
	if i, found := slices.BinarySearch(*d, name); !found && len(*d) < 100 {
		*d = slices.Insert(*d, i, clip(name))
	}
}

// At renders a position: the member's path and an offset in it.
func (s *Source) At(offset int64) string {
	return s.Where + "@" + strconv.FormatInt(offset, 10)
}

// Key renders a position that is a key in a header rather than an offset.
func (s *Source) Key(key string) string {
	if s.Where == "" {
		return key
	}
	return s.Where + ":" + key
}

func clip(s string) string {
	if len(s) <= MaxDetail {
		return s
	}
	return s[:MaxDetail-3] + "..."
}
