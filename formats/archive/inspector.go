package archive

import (
	"slices"

	"trustfs/formats"
)

// A Flavor is a format whose files are zip archives: it gives some members a meaning that the archive itself does not.
type Flavor interface {
	// Accepts says whether some loader of the flavor would take the archive, by its members.
	Accepts(z *Zip) bool
	// Inspect judges what the flavor knows. It returns the members it has dealt with; all others are inspected as
	// files of their own.
	Inspect(c *formats.Context, s *formats.Source, z *Zip) (done []*Member)
}

// Inspector inspects zip archives: the structure, the flavors that accept it, then each remaining member with every
// inspector there is.
type Inspector struct {
	Flavors []Flavor
}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatZip }

// Detect implements formats.Inspector.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool { return IsZip(s) }

// Inspect implements formats.Inspector.
func (i Inspector) Inspect(c *formats.Context, s *formats.Source) {
	if !Enter(c, s) {
		return
	}
	z := ReadZip(c, s)
	done := map[*Member]bool{}
	for _, f := range i.Flavors {
		if c.Stopped() {
			return
		}
		if f.Accepts(z) {
			for _, m := range f.Inspect(c, s, z) {
				done[m] = true
			}
		}
	}
	for _, m := range z.Members {
		if c.Stopped() {
			return
		}
		if !done[m] && !m.Dir() {
			z.Inspect(c, m)
		}
	}
}

// Enter says whether a container at s may be opened: the budget of containers around one another.
func Enter(c *formats.Context, s *formats.Source) bool {
	if s.Depth >= c.Budget.Depth {
		c.Exceeded(s.Where, "depth: %d containers around one another", s.Depth+1)
		return false
	}
	return true
}

// Inspect inspects a member as a file of its own.
func (z *Zip) Inspect(c *formats.Context, m *Member) {
	src, ok := z.Source(c, m)
	if !ok || c.Stopped() {
		return
	}
	if m.mode&0xf000 == 0xa000 { // a symbolic link, to extractors that know Unix modes
		checkLink(c, src, m.Name)
	}
	if m.Flags&flagsUnread != 0 {
		Probe(c, src)
		return
	}
	c.Nested(c, src)
}

// convicting are the rules that Probe lets through: what no chance arrangement of bytes brings about.
var convicting = []string{
	formats.RuleGlobalDangerous, formats.RuleGlobalDynamic, formats.RuleGlobalMutated, formats.RuleNativeCode,
	formats.RuleTemplate, formats.RuleRemoteCode, formats.RuleKerasLambda, formats.RuleTorchScriptCode, formats.RuleLimitExceeded,
}

// Probe inspects bytes that are most likely not a file at all (tensor storages, ciphertext) but could be one: only what
// convicts counts, since random bytes make malformed files of many formats.
func Probe(c *formats.Context, s *formats.Source) {
	t := &formats.Context{Budget: c.Budget, Presets: c.Presets, Nested: c.Nested}
	c.Nested(t, s)
	c.Budget = t.Budget
	for _, f := range t.Result.Findings {
		if !slices.Contains(convicting, f.Rule) {
			continue
		}
		if f.Rule == formats.RuleLimitExceeded && t.Stopped() {
			c.Exceeded(f.Where, "%s", f.Detail)
			continue
		}
		c.Add(f)
	}
}
