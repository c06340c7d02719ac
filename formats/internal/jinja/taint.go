package jinja

import "strings"

// A key that a template puts together from its own strings hides a name: templates know their keys. Where the parts meet
// inside a subscript the subscript says so; where a set joins them first, the name that it sets is tainted, and a
// subscript by a tainted name is as good as one by the parts.

// measures are filters and methods that give numbers or parts of the data, whatever they are applied to.
var measures = set("length count int float abs round sum list tojson find index rfind rindex startswith endswith isdigit items keys values get")

// maxWork bounds the tokens that taint looks at, again and again where expressions nest: real templates need a thousandth.
const maxWork = 2_000_000

// spend says whether n more tokens may be looked at.
func (s *scanner) spend(n int) bool {
	if s.work > maxWork {
		return false
	}
	if s.work += n; s.work > maxWork {
		s.hit(0, "assignments nested too deep to follow, as no chat template has them")
		return false
	}
	return true
}

// taint notes the names whose values block b computes from strings, or from names that were.
func (s *scanner) taint(b block) {
	if !b.statement {
		return
	}
	tag := firstName(b)
	if b.is(tag, name, "set") && tag+1 < len(b.tokens) && !hasAssignment(b) {
		for _, t := range b.tokens[tag+1:] { // {% set a %}...{% endset %}: whatever stands between
			if t.kind == op {
				break
			}
			s.mark(t)
		}
		return
	}
	if in := indexOf(b, "in"); b.is(tag, name, "for") && in > tag {
		if s.computed(b, in+1, len(b.tokens)) {
			for _, t := range b.tokens[tag+1 : in] {
				s.mark(t)
			}
		}
	}
	for i, t := range b.tokens {
		if t.kind == name && b.isOp(i+1, "=") && !b.isOp(i+2, "=") && !b.isOp(i, "=") {
			s.assign(b, i)
		}
	}
}

// assign judges what stands behind NAME = at token i. In "a, b = x, y" every target gets the verdict of the whole.
func (s *scanner) assign(b block, i int) {
	from, to := i+2, s.expressionEnd(b, i+2)
	if !s.spend(0) {
		return
	}
	strings, computed := s.strings(b, from, to), s.computed(b, from, to)
	for j := i; j >= 0 && b.tokens[j].kind == name; j -= 2 { // ns.a = ... is known by its last part
		if strings {
			s.stringy[b.tokens[j].text] = true
		}
		if computed {
			s.mark(b.tokens[j])
		}
		if !b.isOp(j-1, ",") {
			break
		}
	}
}

func (s *scanner) mark(t token) {
	if t.kind == name {
		s.tainted[t.text] = true
		s.stringy[t.text] = true
	}
}

func hasAssignment(b block) bool {
	for i := range b.tokens {
		if b.isOp(i, "=") {
			return true
		}
	}
	return false
}

// expressionEnd is the index behind the expression at i: a closing bracket that it did not open, a comma before the next
// NAME =, or the end of the block.
func (s *scanner) expressionEnd(b block, i int) int {
	depth := 0
	for j := i; j < len(b.tokens) && s.spend(3); j++ {
		t := b.tokens[j]
		if t.kind != op {
			continue
		}
		if depth += bracket(t.text[0]); depth < 0 {
			return j
		}
		if depth == 0 && t.text == "," && b.isOp(j+2, "=") && !b.isOp(j+3, "=") {
			return j
		}
	}
	return len(b.tokens)
}

// strings says whether the tokens from..to hold a string of the template's own that is no key of a subscript.
func (s *scanner) strings(b block, from, to int) bool {
	for i := from; i < to; i++ {
		if s.loose(b, i) {
			return true
		}
	}
	return false
}

// loose: a string, or a name that holds some, that is neither a key in x['a'] nor an attribute's name.
func (s *scanner) loose(b block, i int) bool {
	if i < 0 || i >= len(b.tokens) {
		return false
	}
	switch t := b.tokens[i]; t.kind {
	case str:
		return !(b.isOp(i-1, "[") && b.isOp(i+1, "]") && isValue(b, i-2))
	case name:
		return s.stringy[t.text] && (!b.isOp(i-1, ".") || s.tainted[t.text])
	}
	return false
}

// computed says whether the tokens from..to put a string together, or use what does.
func (s *scanner) computed(b block, from, to int) bool {
	for i := from; i < to && i < len(b.tokens); i++ {
		t := b.tokens[i]
		switch {
		case t.kind == name && s.tainted[t.text] && !b.measured(i+1):
			return true
		case t.kind == str && i > from && b.tokens[i-1].kind == str:
			return true
		case t.kind != op:
		case t.text == "~":
			return true
		case t.text == "+" && (s.loose(b, i-1) || s.loose(b, i+1)):
			return true
		case strings.Contains("%*", t.text) && s.builtOf(b, i-1, from):
			return true
		case t.text == "|" && !b.measured(i) && s.builtOf(b, i-1, from):
			return true
		case t.text == "." && b.isOp(i+2, "(") && !b.measured(i) && s.builtOf(b, i-1, from):
			return true
		}
	}
	return false
}

// measured says that at i stands |FILTER or .METHOD( whose result is no string put together.
func (b block) measured(i int) bool {
	return b.isOp(i, "|.") && i+1 < len(b.tokens) && measures[b.tokens[i+1].text]
}

// builtOf says whether the operand that ends at token i, and begins not before from, holds strings of the template.
func (s *scanner) builtOf(b block, i, from int) bool {
	if !b.isOp(i, ")]}") {
		return s.loose(b, i)
	}
	depth := 0
	for j := i; j >= from && s.spend(1); j-- {
		t := b.tokens[j]
		if t.kind == op {
			depth -= bracket(t.text[0])
		}
		if depth == 0 {
			if t.text == "[" && isValue(b, j-1) {
				return s.builtOf(b, j-1, from) // x[...]: a part of x
			}
			return s.strings(b, j, i)
		}
	}
	return false
}

// byAttribute are filters with an argument that names an attribute of the items: which of the arguments, -1 for any.
var byAttribute = map[string]int{"groupby": 0, "selectattr": 0, "rejectattr": 0, "join": 1, "sort": -1, "unique": -1, "sum": -1, "min": -1, "max": -1}

// attributeArgument judges the arguments of the filter at token i as it would a subscript.
func (s *scanner) attributeArgument(b block, i int) {
	which, ok := byAttribute[b.tokens[i].text]
	if !ok || !b.isOp(i+1, "(") {
		return
	}
	depth, n, from := 0, 0, i+2
	for j := i + 1; j < len(b.tokens) && s.spend(1); j++ {
		t := b.tokens[j]
		if t.kind != op {
			continue
		}
		depth += bracket(t.text[0])
		if depth > 1 || depth == 1 && t.text != "," {
			continue
		}
		if (which < 0 || which == n) && s.computed(b, from, j) {
			s.hit(b.tokens[i].offset, "the filter %s by an attribute whose name is put together", b.tokens[i].text)
		}
		if depth == 0 {
			return
		}
		n, from = n+1, j+1
	}
}
