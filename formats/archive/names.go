package archive

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"trustfs/formats"
)

// Escapes says why extracting a member of this name could write outside of the folder it is extracted to, or "".
// Windows readers count backslashes and drive letters too.
func Escapes(name string) string {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case strings.HasPrefix(slashed, "/"):
		return "an absolute path"
	case len(slashed) > 1 && slashed[1] == ':' && (slashed[0]|0x20 >= 'a' && slashed[0]|0x20 <= 'z'):
		return "a path with a drive letter"
	case slices.Contains(strings.Split(slashed, "/"), ".."):
		return "a path with .."
	}
	return ""
}

// checkNames reports names that leave the folder, and names that two lookups resolve differently. Members of different
// readings of one record are not duplicates of each other.
func (z *Zip) checkNames(c *formats.Context) {
	type spot struct {
		name   string
		header int64
	}
	exact, folded := map[string]spot{}, map[string]spot{}
	for _, m := range z.Members {
		if why := Escapes(m.Name); why != "" {
			c.Addf(formats.RuleArchiveTraversal, z.s.At(m.Header), "member %q: %s", m.Name, why)
		} else if strings.Contains(m.Name, `\`) {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(m.Header), "member %q: a backslash is a folder to some readers", m.Name)
		}
		if p, ok := exact[m.Name]; ok && p.header != m.Header {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(m.Header), "member %q occurs twice; readers differ in which they take", m.Name)
		}
		fold := strings.ToLower(m.Name)
		if p, ok := folded[fold]; ok && p.name != m.Name && p.header != m.Header {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(m.Header), "members %q and %q differ in case only; torch takes them for one", p.name, m.Name)
		}
		exact[m.Name], folded[fold] = spot{m.Name, m.Header}, spot{m.Name, m.Header}
	}
}

// join makes the position of a member from its container's.
func join(where, name string) string {
	if where == "" {
		return name
	}
	return where + "!" + name
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
