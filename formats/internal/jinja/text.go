package jinja

import (
	"regexp"
	"strings"
	"sync"
)

// ScanText returns what in src would attack an engine if the text were taken for a template, as it is where another name
// leads to the file. Most such text is none: it is judged only where an engine takes the whole of it, and only by what
// every way out begins with, special names, spelled out or put together. A module's name, another file's or a global's is
// ordinary in the templates of web pages.
func ScanText(src string) []Hit {
	if !strings.Contains(src, "{{") && !strings.Contains(src, "{%") {
		return nil
	}
	for _, raw := range []bool{false, true} {
		s := newScanner()
		s.prose = true
		fits := func(b block) bool { return len(b.tokens) <= maxTokens }
		if !eachBlock(src, raw, func(b block) bool { s.assignments(b); s.taint(b); return fits(b) }) {
			continue
		}
		eachBlock(src, raw, func(b block) bool { s.block(b); return fits(b) && len(s.hits) < MaxHits })
		if len(s.hits) > 0 {
			return s.hits
		}
	}
	return nil
}

// special is a name that Python gives a meaning to; other languages have more names with underscores before them.
var special = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^__[a-z_]+__$`)
})
