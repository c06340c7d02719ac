package pickle

import (
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// globalOf is the name that a value is, or nil. A persistent id ("module", class, file, source) of torch before 1.6 is
// its class.
func globalOf(m *opcodes.Machine, v opcodes.Value) *opcodes.Global {
	switch v.Kind() {
	case opcodes.KindGlobal:
		return m.Global(v)
	case opcodes.KindPersistent:
		if items, ok := sourceID(m, m.PersistentID(v)); ok {
			return m.Global(items[1])
		}
	}
	return nil
}

// sourceID gives the parts of a persistent id ("module", class, file, source). torch's loader gives the second one back
// whatever it is, so that nothing but a name may stand there.
func sourceID(m *opcodes.Machine, id opcodes.Value) ([]opcodes.Value, bool) {
	items := m.Items(id)
	if id.Kind() != opcodes.KindTuple || len(items) != 4 || items[1].Kind() != opcodes.KindGlobal || !plain(m, items[2], 0) || !plain(m, items[3], 0) {
		return nil, false
	}
	return items, m.Is(items[0], "module")
}

// nameOf is the judged name that a value is, or nil.
func (j *judge) nameOf(m *opcodes.Machine, v opcodes.Value) *name {
	if g := globalOf(m, v); g != nil {
		return j.name(g)
	}
	return nil
}

// made is the judged name whose call made the value, or nil.
func (j *judge) made(m *opcodes.Machine, v opcodes.Value) *name {
	if v.Kind() != opcodes.KindCall {
		return nil
	}
	callee, _, _ := m.Call(v)
	if n := j.nameOf(m, callee); n != nil {
		return n
	}
	return j.reached(m, callee)
}

// positional gives the arguments of a call that has a plain tuple of them, seen whole, and no keywords.
func (k *call) positional() (args []opcodes.Value, ok bool) {
	if k.args.Kind() != opcodes.KindTuple || k.hasKeywords() {
		return nil, false
	}
	if args, ok = k.m.Kept(k.args); !ok {
		return nil, false
	}
	return args, true
}

func (k *call) hasKeywords() bool {
	switch k.kwargs.Kind() {
	case opcodes.KindInvalid:
		return false
	case opcodes.KindDict:
		return k.m.Len(k.kwargs) > 0
	}
	return true
}

// text is a str or 8-bit string of at most limit bytes.
func text(m *opcodes.Machine, v opcodes.Value, limit int64) (string, bool) {
	b, ok := bytesOf(m, v, limit)
	return string(b), ok
}

// isText says that text would give a text.
func isText(m *opcodes.Machine, v opcodes.Value, limit int64) bool {
	switch v.Kind() {
	case opcodes.KindStr, opcodes.KindStr8, opcodes.KindBytes:
		return m.Len(v) <= limit
	}
	return false
}

// bytesOf is text as the machine has it, valid until the handler returns.
func bytesOf(m *opcodes.Machine, v opcodes.Value, limit int64) ([]byte, bool) {
	switch v.Kind() {
	case opcodes.KindStr, opcodes.KindStr8, opcodes.KindBytes:
		return m.Data(v, limit)
	}
	return nil, false
}

// plain says that a value is data through and through, as far as the machine kept it: a literal, or a container of
// such, to a small depth. What it cannot see whole is not plain.
func plain(m *opcodes.Machine, v opcodes.Value, depth int) bool {
	switch v.Kind() {
	case opcodes.KindTuple, opcodes.KindList, opcodes.KindDict, opcodes.KindSet, opcodes.KindFrozenSet:
		if depth == 0 || !m.Whole(v) {
			return false
		}
		for _, item := range m.Items(v) {
			if !plain(m, item, depth-1) {
				return false
			}
		}
		return true
	}
	return !v.Unknown()
}

// describe names a value for people.
func describe(m *opcodes.Machine, v opcodes.Value) string {
	switch v.Kind() {
	case opcodes.KindGlobal:
		return spelled(m.Global(v))
	case opcodes.KindCall:
		return "the result of " + m.Render(v, 120)
	}
	return m.Render(v, 120)
}

// allowedCallable says that a value is an allowed name whose call needs no judgement by arguments.
func (j *judge) allowedCallable(m *opcodes.Machine, v opcodes.Value) bool {
	n := j.nameOf(m, v)
	return n.allowed() && (n.verdict.Use != globals.UseArgs || n.rule() == globals.RuleNew || n.rule() == globals.RuleShared)
}

// forgotten says that nothing tells any more what made v: the machine forgot its callable, or how that was made. Such a
// call may have given what nobody may change, or an object with methods of its own.
func forgotten(m *opcodes.Machine, v opcodes.Value) bool {
	switch v.Kind() {
	case opcodes.KindPersistent:
		return m.PersistentID(v) == 0
	case opcodes.KindCall:
	default:
		return false
	}
	callee, _, _ := m.Call(v)
	switch callee.Kind() {
	case opcodes.KindInvalid:
		return true
	case opcodes.KindPersistent:
		return m.PersistentID(callee) == 0
	case opcodes.KindCall:
		_, args, _ := m.Call(callee)
		return args == 0
	}
	return false
}
