// Package jinja looks for code in Jinja templates (chat templates of tokenizers and GGUF files): what leaves the values
// that a template was given and reaches Python's objects, as in CVE-2024-34359.
//
// It reads the template's tokens, as the engine does, so that text between the blocks, prompts in strings and comments do
// not convict. A template that only walks over messages needs none of what is looked for: names and strings like
// __class__, however spelled or put together, attributes computed at run time, frames and code objects, globals that
// engines offer by accident, other files.
package jinja

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Hit is one reason to call a template an attack.
type Hit struct {
	Offset int // in the template
	What   string
}

func (h Hit) String() string { return fmt.Sprintf("%s at byte %d", h.What, h.Offset) }

// maxTokens bounds the tokens of one template: real ones have a few thousand.
const maxTokens = 200_000

// MaxHits bounds what Scan returns.
const MaxHits = 50

// Scan returns what in a template attacks its engine, nothing for text without blocks.
func Scan(src string) []Hit {
	if !strings.Contains(src, "{{") && !strings.Contains(src, "{%") {
		return nil
	}
	blocks, whole := lex(src, false)
	if blocks == nil && !whole {
		return []Hit{{0, fmt.Sprintf("more than %d tokens, which no chat template has", maxTokens)}}
	}
	s := newScanner()
	for _, b := range blocks {
		s.assignments(b)
		s.taint(b)
	}
	for _, b := range blocks {
		s.block(b)
	}
	if !whole {
		// An engine with other rules may still read it: any of the names that lead out convicts.
		if at := escapeName().FindStringIndex(src); at != nil {
			s.hit(at[0], "the name %s in a template that does not parse", src[at[0]:at[1]])
		}
	}
	return s.hits
}

// escapeName finds the special names on the ways out of a template.
var escapeName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`__(?:class|globals|builtins|subclasses|mro|bases?|import|init|getattribute|dict|code|closure|loader|reduce|reduce_ex)__`)
})

func newScanner() *scanner {
	return &scanner{assigned: map[string]bool{}, consts: map[string]string{}, stringy: map[string]bool{}, tainted: map[string]bool{}}
}

// scanner is the state over the blocks of one template.
type scanner struct {
	hits     []Hit
	assigned map[string]bool   // names that the template itself defines
	consts   map[string]string // of them, those set to constant strings
	stringy  map[string]bool   // of them, those that hold strings of the template itself
	tainted  map[string]bool   // of them, those whose strings are put together
	work     int
	prose    bool // the text is perhaps no template: see ScanText
}

func (s *scanner) hit(at int, format string, args ...any) {
	h := Hit{at, fmt.Sprintf(format, args...)}
	if len(s.hits) < MaxHits && !slices.Contains(s.hits, h) {
		s.hits = append(s.hits, h)
	}
}

// assignments notes the names that set, for, macro, call and with define, and constant strings given to them.
func (s *scanner) assignments(b block) {
	if !b.statement {
		return
	}
	tag, in := firstName(b), indexOf(b, "in")
	for i, t := range b.tokens {
		if t.kind != name {
			continue
		}
		switch {
		case b.isOp(i+1, "=") && !b.isOp(i+2, "="):
			s.assigned[t.text] = true
			if v, next := s.fold(b, i+2); next > i+2 {
				s.consts[t.text] = v
			}
		case b.is(tag, name, "for") && i < in,
			b.is(i-1, name, "set"), i > 1 && b.is(tag, name, "macro"):
			s.assigned[t.text] = true
		}
	}
}

// firstName is the index of the statement's tag: {%- and {%+ have a sign before it.
func firstName(b block) int {
	return slices.IndexFunc(b.tokens, func(t token) bool { return t.kind == name })
}

func indexOf(b block, word string) int {
	return slices.IndexFunc(b.tokens, func(t token) bool { return t.kind == name && t.text == word })
}

// fold evaluates the constant string at token i: literals, names of constants, joined by ~, + or by standing side by
// side, repeated by *. next is behind what was used, i where there is no constant.
func (s *scanner) fold(b block, i int) (value string, next int) {
	var out strings.Builder
	for j := i; j < len(b.tokens); {
		v, ok := s.operand(b.tokens[j])
		if !ok {
			break
		}
		j++
		if b.isOp(j, "*") && j+1 < len(b.tokens) && b.tokens[j+1].kind == number && len(b.tokens[j+1].text) == 1 {
			v = strings.Repeat(v, int(b.tokens[j+1].text[0]-'0'))
			j += 2
		}
		if out.Len()+len(v) > 4096 {
			return out.String(), j
		}
		out.WriteString(v)
		next = j
		if b.isOp(j, "~+") {
			j++
		} else if j >= len(b.tokens) || b.tokens[j].kind != str {
			break
		}
	}
	return out.String(), max(next, i)
}

func (s *scanner) operand(t token) (string, bool) {
	if t.kind == str {
		return t.text, true
	}
	v, ok := s.consts[t.text]
	return v, ok && t.kind == name
}
