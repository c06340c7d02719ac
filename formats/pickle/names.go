package pickle

import (
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// A name is a Global with what the lists say about it, over every reading.
type name struct {
	text    string // "posix.system", as the stream spells it
	module  string
	key     string // "posix:system", of that spelling
	verdict globals.Verdict

	wrapper   bool // one of joblibWrappers
	plainDict bool // one of plainDicts
	careful   bool // its call looks at what its arguments can do: see objectArgument
	indirect  bool // see there
	argument  bool // of rebuilds, or onlyNamed: not to be stored
	shown     bool // among the facts' calls
	bare      byte // the opcode by which it was last called without arguments, as is allowed: see again
}

func (n *name) allowed() bool { return n != nil && n.verdict.Status == globals.Allowed }

// rule is the argument rule of an allowed name, or "". What may only be made blank is, once made, like any new object.
func (n *name) rule() globals.Rule {
	switch {
	case !n.allowed() || n.verdict.Use != globals.UseArgs:
		return ""
	case n.verdict.Rule == globals.RuleBlank:
		return globals.RuleNew
	}
	return n.verdict.Rule
}

// is says that the name is exactly one of the given "module:name" and allowed.
func (n *name) is(names ...string) bool {
	return n.allowed() && slices.Contains(names, n.key)
}

func (n *name) isWrapper() bool { return n != nil && n.wrapper }

// global judges a name when it is resolved: importing its module is the first thing that happens.
func (j *judge) global(e *opcodes.Event) {
	n := j.name(e.Global)
	switch n.verdict.Status {
	case globals.Dangerous:
		j.find(formats.RuleGlobalDangerous, e.Offset, n.text, "")
	case globals.Unknown:
		j.find(formats.RuleGlobalUnknown, e.Offset, n.text, n.verdict.Preset)
	}
	if e.Op == 'i' {
		j.find(formats.RuleInst, e.Offset, n.text, n.verdict.Preset)
	}
}

// name looks a Global up, once, and records every spelling of it as a fact.
func (j *judge) name(g *opcodes.Global) *name {
	if g.ID < len(j.names) && j.names[g.ID] != nil {
		return j.names[g.ID]
	}
	n := &name{text: spelled(g), module: g.Module}
	for i, reading := range g.Names {
		v := globals.Lookup(reading.Module, reading.Name, j.c.Presets)
		if i == 0 || worse(v, n.verdict) {
			n.verdict = v
		}
		addGlobal(j.c, j.s, clip(reading.String()))
	}
	n.key = n.module + ":" + strings.TrimPrefix(n.text, n.module+".")
	n.wrapper, n.plainDict, n.careful = n.is(joblibWrappers...), n.is(plainDicts...), careful(n)
	n.indirect, n.argument = indirect[n.rule()], rebuilds[n.rule()] || onlyNamed(n)
	for len(j.names) <= g.ID {
		j.names = append(j.names, nil)
	}
	j.names[g.ID] = n
	return n
}

// spelled is a name as the stream spells it: "posix.system".
func spelled(g *opcodes.Global) string { return clip(g.Module + "." + g.Name) }

// clip keeps what people read, and what crosses the pipe to the parent, short.
func clip(s string) string {
	if len(s) <= formats.MaxDetail {
		return s
	}
	return s[:formats.MaxDetail-3] + "..."
}

// addGlobal records a name in the facts, sorted and once.
func addGlobal(c *formats.Context, s *formats.Source, text string) {
	list := &c.Result.Facts.Globals
	i, found := slices.BinarySearch(*list, text)
	switch {
	case found:
	case len(*list) >= formats.MaxGlobals:
		c.Exceeded(s.Where, "more than %d different names", formats.MaxGlobals)
	default:
		*list = slices.Insert(*list, i, text)
	}
}

// worse says that a convicts more than b: the reading that counts.
func worse(a, b globals.Verdict) bool { return rank(a) < rank(b) }

func rank(v globals.Verdict) int {
	switch v.Status {
	case globals.Dangerous:
		return 0
	case globals.Allowed:
		return 1 + int(v.Use)
	}
	return 1 // unknown
}
