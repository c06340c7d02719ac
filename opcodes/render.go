package opcodes

import (
	"strconv"
	"strings"
)

const (
	renderDepth = 6
	renderText  = 80 // bytes of one string
)

// Render shows a value for people in at most limit bytes: "posix:system('ls')". What is left out shows as "...".
func (m *Machine) Render(v Value, limit int) string {
	var b strings.Builder
	m.render(&b, v, limit, renderDepth)
	if b.Len() > limit {
		return b.String()[:max(limit-3, 0)] + "..."
	}
	return b.String()
}

func (m *Machine) render(b *strings.Builder, v Value, limit, depth int) {
	switch k := v.Kind(); k {
	case KindNone, KindTrue, KindFalse:
		b.WriteString(k.String())
	case KindInt:
		if x, ok := m.Int(v); ok {
			b.WriteString(strconv.FormatInt(x, 10))
		} else {
			b.WriteString("int(...)")
		}
	case KindFloat:
		f, _ := m.Float(v)
		b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	case KindStr, KindStr8, KindBytes, KindBytearray, KindView:
		m.renderText(b, v)
	case KindTuple, KindList, KindDict, KindSet, KindFrozenSet:
		m.renderItems(b, v, limit, depth)
	case KindGlobal:
		b.WriteString(m.Global(v).Names[0].String())
	case KindCall:
		callee, args, _ := m.Call(v)
		if depth == 0 {
			b.WriteString("...")
			return
		}
		m.render(b, callee, limit, depth-1)
		if args == 0 {
			b.WriteString("(...)")
			return
		}
		if args.Kind() != KindTuple {
			b.WriteString("(*")
			m.render(b, args, limit, depth-1)
			b.WriteString(")")
			return
		}
		m.renderItems(b, args, limit, depth)
	case KindPersistent:
		b.WriteString("persistent(")
		if depth > 0 {
			m.render(b, m.PersistentID(v), limit, depth-1)
		}
		b.WriteString(")")
	case KindExtension:
		b.WriteString("extension(" + strconv.FormatUint(v.payload(), 10) + ")")
	default:
		b.WriteString("<" + k.String() + ">")
	}
}

func (m *Machine) renderText(b *strings.Builder, v Value) {
	n := m.length(v)
	data, ok := m.text(v, renderText)
	cut := !ok
	if cut {
		if off, _, placed := m.Place(v); placed {
			data = m.peek(off, int(min(n, renderText)))
		}
	}
	if v.Kind() >= KindBytes {
		b.WriteString("b")
	}
	b.WriteString(strconv.QuoteToASCII(string(data)))
	if cut {
		b.WriteString("...(" + strconv.FormatInt(n, 10) + " bytes)")
	}
}

// brackets of the containers, in the order of their kinds.
var brackets = [...][2]string{{"(", ")"}, {"[", "]"}, {"{", "}"}, {"{", "}"}, {"frozenset({", "})"}}

func (m *Machine) renderItems(b *strings.Builder, v Value, limit, depth int) {
	around := brackets[v.Kind()-KindTuple]
	b.WriteString(around[0])
	defer b.WriteString(around[1])
	if depth == 0 {
		b.WriteString("...")
		return
	}
	for i, it := range m.Items(v) {
		switch {
		case i == 0:
		case v.Kind() == KindDict && i%2 == 1:
			b.WriteString(": ")
		default:
			b.WriteString(", ")
		}
		if b.Len() > limit {
			return
		}
		m.render(b, it, limit, depth-1)
	}
	if !m.Whole(v) {
		b.WriteString(", ...")
	}
}
