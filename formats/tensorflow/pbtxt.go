package tensorflow

import (
	"regexp"
	"strings"
	"sync"

	"trustfs/formats"
)

// opField finds an operator in a graph written as text: op: "Name", with either quote and any white space.
var opField = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bop\s*:\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')`)
})

// InspectText judges a SavedModel or graph in the text form of protocol buffers (saved_model.pbtxt), which TensorFlow loads
// like the other: by its operators' names, not by its structure. Graphs in strings are not looked into, and a name that
// is written with escapes, as no program writes it, convicts.
func InspectText(c *formats.Context, s *formats.Source, text []byte) {
	for _, m := range opField().FindAllSubmatchIndex(text, 1_000_000) {
		at := m[2]
		end := m[3]
		if at < 0 {
			at, end = m[4], m[5]
		}
		name := string(text[at:end])
		what, known := fileOps[name]
		switch {
		case strings.Contains(name, `\`):
			c.Addf(formats.RuleFormatMalformed, s.At(int64(at)), "the operator %.100q is written with escapes", name)
		case known:
			c.Addf(formats.RuleGraphFileAccess, s.At(int64(at)), "%s %s", name, what)
		case strings.Contains(name, ">"):
			c.Addf(formats.RuleCustomOps, s.At(int64(at)), "%.100q needs the library that defines it", name)
		}
	}
}
