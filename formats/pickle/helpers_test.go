package pickle

import (
	"bytes"
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
)

// newContext has the given presets on, or the default ones, and inspects nested bytes as pickles.
func newContext(presets ...string) *formats.Context {
	if presets == nil {
		presets = globals.Defaults()
	}
	return &formats.Context{Budget: formats.DefaultBudget(), Presets: presets, Nested: func(c *formats.Context, s *formats.Source) {
		if s.Depth > c.Budget.Depth {
			c.Exceeded(s.Where, "containers nested deeper than %d", c.Budget.Depth)
			return
		}
		if (Inspector{}).Detect(c, s) {
			Inspector{}.Inspect(c, s)
		}
	}}
}

func source(data string) *formats.Source {
	return &formats.Source{R: bytes.NewReader([]byte(data)), Size: int64(len(data))}
}

// inspectText runs the Inspector over a whole file with the default presets.
func inspectText(data string, presets ...string) formats.Result {
	c := newContext(presets...)
	Inspector{}.Inspect(c, source(data))
	return c.Result
}

// rulesOf lists the rules found, in order, with their details: "global_dangerous posix.system".
func rulesOf(r formats.Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Rule+" "+f.Detail)
	}
	return out
}

func has(r formats.Result, rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// Spellings of opcodes for tests: GLOBAL, short strings, tuples by MARK.
func g(module, name string) string { return "c" + module + "\n" + name + "\n" }

func str(s string) string { return "X" + string([]byte{byte(len(s)), byte(len(s) >> 8), 0, 0}) + s }

func tuple(items ...string) string { return "(" + strings.Join(items, "") + "t" }

func dict(items ...string) string { return "(" + strings.Join(items, "") + "d" }

func reduce(f string, args ...string) string { return f + tuple(args...) + "R" }

func newobj(cls string, args ...string) string { return cls + tuple(args...) + "\x81" }

func load(body string) string { return "\x80\x02" + body + "." }

// asText spells bytes as protocol 2 does: each byte as the character of that number.
func asText(b string) string {
	var out []rune
	for _, c := range []byte(b) {
		out = append(out, rune(c))
	}
	return string(out)
}
