package numpy

import (
	"fmt"
	"strconv"
	"strings"
)

// maxNesting bounds how deep lists and tuples of a header nest: dtypes of dtypes, three or four in practice.
const maxNesting = 32

// A literal parser reads the part of Python's literals that numpy writes into headers: a dict of strings, booleans,
// tuples, lists and integers. What it refuses numpy's own ast.literal_eval may still accept; then the header is one
// that numpy did not write.
type literal struct {
	text string
	pos  int
}

// The values: string, int64, bool, nil, list and tuple (both []any, told apart by type), dict.
type (
	list  []any
	tuple []any
	pair  struct{ key, value any }
	dict  []pair // in order, duplicates kept
)

// parseLiteral parses the whole text as one value.
func parseLiteral(text string) (any, error) {
	p := &literal{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.pos < len(p.text) {
		return nil, p.errorf("text behind the value")
	}
	return v, nil
}

func (p *literal) errorf(format string, args ...any) error {
	return fmt.Errorf("header at character %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func (p *literal) skip() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// next skips blanks and takes c if it comes next.
func (p *literal) next(c byte) bool {
	p.skip()
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *literal) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, p.errorf("nested deeper than %d", maxNesting)
	}
	p.skip()
	if p.pos == len(p.text) {
		return nil, p.errorf("a value is missing")
	}
	switch c := p.text[p.pos]; {
	case c == '\'' || c == '"':
		return p.str()
	case c == '{':
		return p.dict(depth)
	case c == '[':
		p.pos++
		items, _, err := p.items(']', depth)
		return list(items), err
	case c == '(':
		p.pos++
		items, comma, err := p.items(')', depth)
		if err == nil && len(items) == 1 && !comma {
			return items[0], nil // parentheses, not a tuple
		}
		return tuple(items), err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"True": true, "False": false, "None": nil} {
		if strings.HasPrefix(p.text[p.pos:], word) {
			p.pos += len(word)
			return v, nil
		}
	}
	return nil, p.errorf("neither a string, a number, a boolean nor a sequence")
}

// items parses values up to the closing bracket, and says whether a comma stood last.
func (p *literal) items(closing byte, depth int) (items []any, comma bool, err error) {
	for {
		if p.next(closing) {
			return items, comma, nil
		}
		if len(items) > 0 && !comma {
			return nil, false, p.errorf("a comma or %q is missing", closing)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, false, err
		}
		items = append(items, v)
		comma = p.next(',')
	}
}

func (p *literal) dict(depth int) (dict, error) {
	p.pos++
	var out dict
	for comma := true; ; {
		if p.next('}') {
			return out, nil
		}
		if !comma {
			return nil, p.errorf("a comma or } is missing")
		}
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.next(':') {
			return nil, p.errorf("a colon is missing")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, pair{k, v})
		comma = p.next(',')
	}
}

// number parses an integer; Python 2 wrote a final L.
func (p *literal) number() (any, error) {
	end := p.pos + 1
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(p.text[p.pos:end], 10, 64)
	if err != nil {
		return nil, p.errorf("not an integer of 64 bits")
	}
	p.pos = end
	if p.pos < len(p.text) && p.text[p.pos] == 'L' {
		p.pos++
	}
	return n, nil
}

// str parses a quoted string with the escapes that repr writes.
func (p *literal) str() (any, error) {
	quote := p.text[p.pos]
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); {
		switch c := p.text[i]; {
		case c == quote:
			p.pos = i + 1
			return b.String(), nil
		case c == '\n':
			p.pos = i
			return nil, p.errorf("a string runs over the end of its line")
		case c == '\\':
			r, _, tail, err := strconv.UnquoteChar(p.text[i:], quote)
			if err != nil {
				p.pos = i
				return nil, p.errorf("an escape that repr does not write")
			}
			b.WriteRune(r)
			i = len(p.text) - len(tail)
		default:
			b.WriteByte(c)
			i++
		}
	}
	return nil, p.errorf("a string without end")
}
