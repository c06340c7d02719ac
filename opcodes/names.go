package opcodes

import (
	"encoding/binary"
	"unicode/utf8"
)

// Flags of a name, part of its identity.
const (
	nameDotted = 1 << iota // protocol 4: attributes of attributes
	nameCompat             // below protocol 3: Python 3 renames
	nameModern             // some reader of Python 3 resolves it
)

func (m *Machine) nameFlags() (flags byte) {
	if m.set&modern != 0 {
		flags = nameModern
		if m.proto < 3 {
			flags |= nameCompat
		}
		if m.proto >= 4 {
			flags |= nameDotted
		}
	}
	return flags
}

// global is GLOBAL.
func (m *Machine) global() {
	if v, ok := m.namedLines(false); ok {
		m.push(v)
	}
}

// namedLines reads two lines and resolves the name.
func (m *Machine) namedLines(ascii bool) (Value, bool) {
	module, ok := m.nameLine(ascii)
	if !ok {
		return 0, false
	}
	k := nameKey(m.keyBuf, module) // before the second read moves the window
	n := len(k)
	name, ok := m.nameLine(ascii)
	if !ok {
		return 0, false
	}
	m.keyBuf = append(k, name...)
	return m.resolved(m.intern(m.keyBuf, n, nil))
}

// nameKey begins the key under which a name is kept: room for the flags, then the module with its length.
func nameKey(buf, module []byte) []byte {
	return append(binary.AppendUvarint(append(buf[:0], 0), uint64(len(module))), module...)
}

// nameLine reads one line of a name.
func (m *Machine) nameLine(ascii bool) ([]byte, bool) {
	_, b, terminated := m.line(maxNameLine)
	if m.halted {
		return nil, false
	}
	if !terminated && !m.drop(C3|CFile, "the stream ends inside a name") {
		return nil, false
	}
	if len(b) > 0 {
		b = b[:len(b)-1]
	}
	if len(b) == 0 && !m.drop(inC, "an empty name") {
		return nil, false
	}
	for _, c := range b {
		if c < utf8.RuneSelf {
			continue
		}
		if (ascii || !utf8.Valid(b)) && !m.drop(modern, "a name in no encoding that Python 3 reads") {
			return nil, false
		}
		break
	}
	return b, true
}

// resolved tells that a reader imports g.
func (m *Machine) resolved(g *Global) (Value, bool) {
	if g == nil {
		return 0, false
	}
	v := mk(KindGlobal, uint64(g.ID))
	if e := m.event(EvGlobal); e != nil {
		e.Global, e.Result = g, v
		m.tell(e)
	}
	return v, true
}

// intern gives the one Global for the key, whose name begins at n, or nil when the budget is used up.
func (m *Machine) intern(key []byte, n int, alternative *Name) *Global {
	key[0] = m.nameFlags()
	name := key[n:]
	if alternative != nil {
		key = append(append(append(key, 0), alternative.Module...), alternative.Name...)
	}
	if id, ok := m.globalIDs[string(key)]; ok {
		return m.globals[id]
	}
	if m.stringsLeft -= int64(len(key)) + 100; m.stringsLeft < 0 {
		m.exceed("more string bytes than the budget of %d", m.opt.Budget.StringBytes)
		return nil
	}
	_, skip := binary.Uvarint(key[1:])
	g := &Global{ID: len(m.globals), Module: string(key[1+skip : n]), Name: string(name), Dotted: key[0]&nameDotted != 0}
	m.addNames(g, key[0], Name{g.Module, g.Name})
	if alternative != nil {
		m.addNames(g, key[0], *alternative)
	}
	m.globals = append(m.globals, g)
	m.globalIDs[string(key)] = g.ID
	return g
}

// addNames adds a name, and what Python 3 makes of it below protocol 3.
func (m *Machine) addNames(g *Global, flags byte, n Name) {
	g.Names = append(g.Names, n)
	if flags&nameCompat == 0 {
		return
	}
	if renamed := Python3Name(n.Module, n.Name); renamed != n {
		g.Names = append(g.Names, renamed)
	}
}

// stackGlobal is STACK_GLOBAL.
func (m *Machine) stackGlobal() {
	name, ok := m.pop()
	if !ok {
		return
	}
	module, ok := m.pop()
	if !ok {
		return
	}
	for _, v := range [...]Value{name, module} {
		if k := v.Kind(); k != KindStr && k != KindStr8 && !v.Unknown() {
			m.drop(m.set, "names must be str, not %s", k)
			return
		}
	}
	if name.Unknown() || module.Unknown() {
		m.assume()
		v := mk(KindDynamic, uint64(m.opOff))
		if e := m.event(EvDynamic); e != nil {
			e.Object, e.Args, e.Result = module, name, v
			m.tell(e)
		}
		m.push(v)
		return
	}
	if v, ok := m.resolved(m.stackName(module, name)); ok {
		m.push(v)
	}
}

// A stackKey is what decides the name that STACK_GLOBAL resolves.
type stackKey struct {
	module, name Value
	flags        byte
}

// stackName gives the Global for two operands of STACK_GLOBAL, reading them only the first time. Where 8-bit strings
// are not ASCII, the loader's encoding decides: Latin-1 is the name, UTF-8 an alternative.
func (m *Machine) stackName(module, name Value) *Global {
	key := stackKey{module, name, m.nameFlags()}
	if g := m.stackNames[key]; g != nil {
		return g
	}
	a, ok1 := m.text(module, maxNameLine)
	b, ok2 := m.text(name, maxNameLine)
	if !ok1 || !ok2 {
		if m.w.err != nil {
			m.eof()
		} else {
			m.exceed("a name of more than %d bytes", maxNameLine)
		}
		return nil
	}
	m.charge(module)
	m.charge(name)
	if m.stringsLeft -= int64(len(a) + len(b)); m.stringsLeft < 0 {
		m.exceed("more string bytes than the budget of %d", m.opt.Budget.StringBytes)
		return nil
	}
	var alternative *Name
	plain := Name{string(a), string(b)}
	if module.Kind() == KindStr8 {
		a = latin1(a)
	}
	if name.Kind() == KindStr8 {
		b = latin1(b)
	}
	if (plain != Name{string(a), string(b)}) && utf8.ValidString(plain.Module) && utf8.ValidString(plain.Name) {
		alternative = &plain
	}
	k := nameKey(m.keyBuf, a)
	n := len(k)
	m.keyBuf = append(k, b...)
	g := m.intern(m.keyBuf, n, alternative)
	if g != nil && len(m.stackNames) < 1<<14 {
		if m.stackNames == nil {
			m.stackNames = map[stackKey]*Global{}
		}
		m.stackNames[key] = g
	}
	return g
}

// extension is EXT1, EXT2, EXT4: what it gives is in the process's registry, not in the stream.
func (m *Machine) extension(width int) {
	b := m.arg(width)
	if b == nil {
		return
	}
	code := int32(uint32(littleEndian(b)))
	if code <= 0 && !m.drop(m.set, "extension code %d", code) {
		return
	}
	v := mk(KindExtension, uint64(code))
	if e := m.event(EvExtension); e != nil {
		e.Code, e.Result = code, v
		m.tell(e)
	}
	m.push(v)
}

// persID is PERSID: the id is a line.
func (m *Machine) persID() {
	s, b, terminated := m.line(maxTextLine)
	if m.halted || !terminated && !m.drop(C3|CFile, "the stream ends inside a persistent id") {
		return
	}
	if len(b) > 0 {
		b = b[:len(b)-1]
	}
	if len(b) == 0 && !m.drop(C2, "an empty persistent id") {
		return
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			if !m.drop(modern, "a persistent id that is not ASCII") {
				return
			}
			break
		}
	}
	if m.displaced {
		m.displace(s)
	}
	m.persistent(mk(KindStr, uint64(m.opOff)))
}

func (m *Machine) binPersID() {
	if pid, ok := m.pop(); ok {
		m.persistent(pid)
	}
}

func (m *Machine) persistent(pid Value) {
	v := m.a.persistent(pid)
	if e := m.event(EvPersistent); e != nil {
		e.Args, e.Result = pid, v
		m.tell(e)
	}
	m.push(v)
}
