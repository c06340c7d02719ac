package jinja

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

var (
	// internals are attributes without underscores that reach frames, code and types; Jinja's own sandbox refuses them
	// (jinja2.sandbox.is_internal_attribute).
	internals = set("mro gi_frame gi_code cr_frame cr_code ag_frame ag_code tb_frame tb_next f_globals f_builtins f_locals f_back " +
		"f_code co_code co_consts func_globals func_code func_closure func_defaults func_dict im_func im_self im_class im_func_globals")
	// runners are methods that run, load or fetch something; no value that a chat template gets has them.
	runners = set("popen Popen system check_output check_call getoutput import_module b64decode fromhex urlopen spawn execve " +
		"execl execv loads find_module load_module exec_module _module")
	// builtins are Python functions that no engine offers, called bare.
	builtins = set("eval exec compile open getattr setattr delattr globals locals vars breakpoint input execfile chr __import__")
	// modules are Python modules that no engine offers, used bare.
	modules = set("os sys subprocess builtins importlib ctypes socket pty shutil pickle marshal urllib requests")
	// helpers are globals of engines whose own attributes lead to Python's; using them as functions is ordinary.
	helpers = set("cycler joiner lipsum namespace dict range request config url_for get_flashed_messages current_app session")
	// operators are names after which a bracket opens a list, not a subscript.
	operators = set("and in or not if else elif is set for")
	// listFilters take a filter's name as their first argument.
	listFilters = set("map select reject")
	// fileTags load other templates.
	fileTags = set("import from include extends debug")
)

var (
	dunder       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w.\[\]]*__\w+?__[\w.\[\]]*$`) })
	dunderField  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{[^{}]*__\w+__[^{}]*\}`) })
	twoUnderline = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^__+$`) })
)

// isDunder says whether a string is a special name, or a path with one in it.
func isDunder(s string) bool {
	return len(s) < 200 && strings.Contains(s, "__") && dunder().MatchString(s)
}

// block looks at the tokens of one block.
func (s *scanner) block(b block) {
	if first := firstName(b); !s.prose && b.statement && first >= 0 && first <= 1 && fileTags[b.tokens[first].text] {
		s.hit(b.tokens[first].offset, "the tag %s", b.tokens[first].text)
	}
	formatted := slices.ContainsFunc(b.tokens, func(t token) bool {
		return t.kind == name && (t.text == "format" || t.text == "format_map")
	})
	for i, t := range b.tokens {
		switch t.kind {
		case name:
			s.name(b, i, t)
		case str:
			s.literal(b, i, t, formatted)
		case op:
			if t.text == "[" && isValue(b, i-1) {
				s.subscript(b, i)
			}
		}
	}
	s.folded(b)
	s.joined(b)
}

// isValue says whether token i ends a value, so that a bracket behind it is a subscript.
func isValue(b block, i int) bool {
	if i < 0 {
		return false
	}
	t := b.tokens[i]
	return t.kind == str || t.kind == name && !operators[t.text] || t.kind == op && strings.Contains(")]}", t.text)
}

func (s *scanner) name(b block, i int, t token) {
	attribute, filter := b.isOp(i-1, "."), b.isOp(i-1, "|")
	used := b.isOp(i+1, ".[")
	if filter {
		s.attributeArgument(b, i)
	}
	switch {
	case strings.HasPrefix(t.text, "__") && len(t.text) > 2 && (!s.prose || attribute && special().MatchString(t.text)):
		s.hit(t.offset, "the name %s", t.text)
	case attribute && internals[t.text], attribute && runners[t.text] && !s.prose:
		s.hit(t.offset, "the attribute %s", t.text)
	case filter && t.text == "attr":
		s.hit(t.offset, "the filter attr, which reads attributes by name")
	case t.text == "attribute" && b.isOp(i+1, "=") && b.isOp(i-1, "(,") && i+2 < len(b.tokens) && !isPlainAttribute(b, i+2):
		s.hit(t.offset, "an attribute name computed at run time")
	case attribute || filter || s.prose || s.assigned[t.text]:
	case builtins[t.text] && b.isOp(i+1, "("):
		s.hit(t.offset, "a call of %s", t.text)
	case modules[t.text] && used:
		s.hit(t.offset, "the module %s", t.text)
	case helpers[t.text] && used:
		s.hit(t.offset, "an attribute of %s", t.text)
	case t.text == "self" && b.isOp(i+1, "["):
		s.hit(t.offset, "an attribute of self")
	}
}

// isPlainAttribute says whether the argument at i is a literal (judged as such) and nothing is computed with it.
func isPlainAttribute(b block, i int) bool {
	k := b.tokens[i].kind
	return (k == str || k == number) && b.isOp(i+1, "),")
}

// literal judges a string; formatted says that format is called somewhere in the block.
func (s *scanner) literal(b block, i int, t token, formatted bool) {
	switch {
	case t.escaped:
		s.hit(t.offset, "underscores spelled as escapes in %.40q", t.text)
	case isDunder(t.text):
		s.hit(t.offset, "the string %q", t.text)
	case formatted && strings.Contains(t.text, "__") && dunderField().MatchString(t.text):
		s.hit(t.offset, "the format string %.60q", t.text)
	case t.text == "attr" && b.isOp(i-1, "(") && i > 1 && listFilters[b.tokens[i-2].text]:
		s.hit(t.offset, "the filter attr, which reads attributes by name")
	case twoUnderline().MatchString(t.text) && (b.isOp(i+1, "~+*%") || b.isOp(i-1, "~+*%")):
		s.hit(t.offset, "a name put together from underscores")
	}
}

// maxSubscript bounds the tokens of one subscript, so that nested ones take linear time.
const maxSubscript = 500

// subscript judges x[...] whose bracket is token open: a key put together from string literals hides a name, and has no
// use, since a template knows its keys.
func (s *scanner) subscript(b block, open int) {
	var literals, computed, slices int
	depth, end := 0, len(b.tokens)
	for i := open; i < len(b.tokens); i++ {
		t := b.tokens[i]
		if t.kind == op {
			depth += bracket(t.text[0])
		}
		if depth == 0 {
			end = i
			break
		}
		if i-open > maxSubscript {
			s.hit(b.tokens[open].offset, "a key of more than %d tokens", maxSubscript)
			return
		}
		if depth > 1 {
			continue
		}
		switch {
		case t.kind == str:
			literals++
		case t.kind == op && t.text == ":":
			slices++
		case t.kind == op && strings.Contains("~+*%|", t.text), b.isOp(i-1, ".") && b.isOp(i+1, "("):
			computed++
		}
	}
	switch {
	case literals > 0 && computed > 0:
		s.hit(b.tokens[open].offset, "a key computed from strings")
	case slices == 0 && s.computed(b, open+1, end): // a slice takes numbers
		s.hit(b.tokens[open].offset, "a key that is put together from strings elsewhere")
	}
}

// folded judges every constant that is put together from parts.
func (s *scanner) folded(b block) {
	for i := 0; i < len(b.tokens); {
		v, next := s.fold(b, i)
		if next > i+1 && isDunder(v) {
			s.hit(b.tokens[i].offset, "the name %q, put together from parts", v)
		}
		i = max(next, i+1)
	}
}

// joined judges the block's short literals and constants side by side, for lists that a join puts together, forwards and
// backwards.
func (s *scanner) joined(b block) {
	var all strings.Builder
	parts := 0
	for _, t := range b.tokens {
		if v, ok := s.operand(t); ok && !strings.ContainsAny(v, " \n") && all.Len() < 4096 {
			all.WriteString(v)
			parts++
		}
	}
	if parts < 2 {
		return
	}
	text := strings.ToLower(all.String())
	back := []rune(text)
	slices.Reverse(back)
	if !strings.Contains(text, "__") {
		return
	}
	for _, v := range []string{text, string(back)} {
		if m := escapeName().FindString(v); m != "" {
			s.hit(b.tokens[0].offset, "strings that join to %s", m)
			return
		}
	}
}
