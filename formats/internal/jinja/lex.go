package jinja

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// kind of a token.
type kind uint8

const (
	name kind = iota
	str
	number
	op
)

// A token of the code inside {{ }} or {% %}.
type token struct {
	kind    kind
	text    string // a string literal's value, unescaped; everything else as written
	offset  int
	escaped bool // a string literal that spells an underscore as an escape
}

// A block is one {{ }} or {% %}.
type block struct {
	statement bool // {% %}
	tokens    []token
}

func (b block) is(i int, k kind, text string) bool {
	return i >= 0 && i < len(b.tokens) && b.tokens[i].kind == k && b.tokens[i].text == text
}

func (b block) isOp(i int, texts string) bool {
	return i >= 0 && i < len(b.tokens) && b.tokens[i].kind == op && strings.Contains(texts, b.tokens[i].text)
}

// nameLen is the length of the identifier at the start of s, 0 where there is none.
func nameLen(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsNumber(r) && !unicode.IsMark(r)) {
			return i
		}
	}
	return len(s)
}

// numberLen is the length of what starts with a digit and may be a number.
func numberLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if c == '.' && (i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9') {
			return i // an attribute of a number
		}
		if c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return i
		}
	}
	return len(s)
}

// lex cuts a template into its code blocks with Jinja's default delimiters. Raw sections are read as code unless raw is
// set: to look at too much costs nothing, and what ends a raw section differs between engines. whole is false where an
// engine would refuse the template; blocks is nil then, too, if there are more than maxTokens.
func lex(src string, raw bool) (blocks []block, whole bool) {
	tokens := 0
	blocks = []block{}
	whole = eachBlock(src, raw, func(b block) bool {
		tokens += len(b.tokens) + 1
		blocks = append(blocks, b)
		return tokens <= maxTokens
	})
	if tokens > maxTokens {
		return nil, false
	}
	return blocks, whole
}

// endRaw ends a raw section, as in Jinja's lexer.
var endRaw = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{%[-+]?\s*endraw\s*[-+]?%\}`)
})

// eachBlock gives one block after another to yield until that returns false. The result is whole, as lex has it.
func eachBlock(src string, raw bool, yield func(block) bool) (whole bool) {
	whole = true
	for i := 0; i < len(src); {
		open := strings.IndexByte(src[i:], '{')
		if open < 0 || i+open+1 >= len(src) {
			break
		}
		i += open + 2
		switch src[i-1] {
		case '#':
			end := strings.Index(src[i:], "#}")
			if end < 0 {
				return false
			}
			i += end + 2
		case '{', '%':
			b := block{statement: src[i-1] == '%'}
			var ok bool
			i, ok = b.lex(src, i)
			whole = whole && ok && b.isJinja()
			if !yield(b) {
				return whole
			}
			if first := firstName(b); raw && b.statement && first >= 0 && first <= 1 && b.tokens[first].text == "raw" {
				end := endRaw().FindStringIndex(src[i:])
				if end == nil {
					return false
				}
				i += end[1]
			}
		default:
			i--
		}
	}
	return whole
}

// isJinja is false for {{ {name} }}, which other languages write: Jinja has no sets, and its dicts have a colon.
func (b *block) isJinja() bool {
	return b.statement || !b.isOp(0, "{") || b.isOp(1, "}") || slices.ContainsFunc(b.tokens, func(t token) bool { return t.kind == op && t.text == ":" })
}

// lex reads a block's tokens from i to behind its end; an end inside brackets does not count, as in Jinja's lexer.
func (b *block) lex(src string, i int) (next int, ok bool) {
	closing, depth := "}}", 0
	if b.statement {
		closing = "%}"
	}
	ok = true
	for i < len(src) && len(b.tokens) <= maxTokens {
		rest := src[i:]
		if depth == 0 && strings.HasPrefix(rest, closing) {
			return i + 2, ok
		}
		switch c := rest[0]; {
		case c == '\'' || c == '"':
			t, n := literal(rest, i)
			if n == 0 {
				return len(src), false // no engine reads on either, and looking for more ends would take quadratic time
			}
			b.tokens = append(b.tokens, t)
			i += n
		case nameLen(rest) > 0:
			i = b.add(name, rest[:nameLen(rest)], i)
		case '0' <= c && c <= '9':
			i = b.add(number, rest[:numberLen(rest)], i)
		case strings.IndexByte(" \t\r\n\f\v", c) >= 0 || 0x1c <= c && c <= 0x1f:
			i++
		case c >= utf8.RuneSelf && isSpace(rest):
			_, size := utf8.DecodeRuneInString(rest)
			i += size
		default:
			depth += bracket(c)
			ok = ok && depth >= 0 && strings.IndexByte("+-/*%~[](){}=<>!.:|,;", c) >= 0
			depth = max(depth, 0)
			_, size := utf8.DecodeRuneInString(rest)
			i = b.add(op, rest[:size], i)
		}
	}
	return i, false
}

// isSpace: Python's \s in text, which Jinja skips between tokens.
func isSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

func (b *block) add(k kind, text string, at int) int {
	b.tokens = append(b.tokens, token{kind: k, text: text, offset: at})
	return at + len(text)
}

func bracket(c byte) int {
	switch c {
	case '(', '[', '{':
		return 1
	case ')', ']', '}':
		return -1
	}
	return 0
}

// literal reads the string literal at the start of s; n is its length, 0 where it does not end.
func literal(s string, at int) (t token, n int) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			t = token{kind: str, offset: at}
			t.text = unescape(s[1:i])
			t.escaped = strings.Count(t.text, "_") > strings.Count(s[1:i], "_")
			return t, i + 1
		}
	}
	return t, 0
}

var escapeRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\}|[\s\S])`)
})

// unescape undoes Python's escapes, as Jinja does for its string literals.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return escapeRE().ReplaceAllStringFunc(s, func(e string) string {
		switch c := e[1]; {
		case c == 'x' && len(e) > 2, c == 'u' && len(e) > 2, c == 'U' && len(e) > 2:
			return codePoint(e[2:], 16)
		case '0' <= c && c <= '7':
			return codePoint(e[1:], 8)
		case c == 'N' && strings.Contains(e, "LOW LINE"):
			return "_"
		case c == '\n':
			return ""
		case strings.IndexByte("nrt", c) >= 0:
			return map[byte]string{'n': "\n", 'r': "\r", 't': "\t"}[c]
		case strings.IndexByte(`\'"`, c) >= 0:
			return string(c)
		}
		return e
	})
}

func codePoint(digits string, base int) string {
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return digits
	}
	return string(rune(n))
}
