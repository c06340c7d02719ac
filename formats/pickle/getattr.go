package pickle

import (
	"fmt"
	"strings"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// ruleGetattr: a public attribute of an allowed class that is made empty (a module) or shared (an enum), or the
// forward methods of an instance of such a class. Anything else walks to whatever a class or module holds.
func ruleGetattr(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 2 {
		return unseen
	}
	if j.attribute(k.m, args) != nil {
		return ""
	}
	attr, ok := text(k.m, args[1], 256)
	if !ok || !publicName(attr) {
		return fmt.Sprintf("of %s, which is no public attribute", render(k.m, args[1], 80))
	}
	if n := j.nameOf(k.m, args[0]); n.rule() == globals.RuleNew || n.rule() == globals.RuleShared {
		return ""
	}
	if n := j.made(k.m, args[0]); n.rule() == globals.RuleNew && (attr == "forward" || attr == "forward_fuse") {
		return ""
	}
	return fmt.Sprintf("of %q of %s, which is no allowed class", attr, describe(k.m, args[0]))
}

// attribute is the judged name that getattr takes from a class, if the lists hold it as a name of its own, or nil: below
// protocol 4 getattr(zoneinfo.ZoneInfo, "_unpickle") spells what is the name "ZoneInfo._unpickle" later.
func (j *judge) attribute(m *opcodes.Machine, args []opcodes.Value) *name {
	if len(args) != 2 {
		return nil
	}
	of := globalOf(m, args[0])
	attr, ok := text(m, args[1], 256)
	if of == nil || !ok || attr == "" {
		return nil
	}
	n := &name{text: clip(spelled(of) + "." + attr), module: of.Module}
	for i, reading := range of.Names {
		v := globals.Lookup(reading.Module, reading.Name+"."+attr, j.c.Presets)
		if i == 0 || worse(v, n.verdict) {
			n.verdict = v
		}
	}
	if !n.allowed() {
		return nil
	}
	return n
}

// reached is attribute for what a call of getattr gave, or nil.
func (j *judge) reached(m *opcodes.Machine, v opcodes.Value) *name {
	if v.Kind() != opcodes.KindCall {
		return nil
	}
	callee, args, _ := m.Call(v)
	if j.nameOf(m, callee).rule() != globals.RuleGetattr || args.Kind() != opcodes.KindTuple {
		return nil
	}
	return j.attribute(m, m.Items(args))
}

// innards begin the attributes of functions, frames and code by which one reaches the interpreter's modules.
var innards = []string{"func_", "im_", "f_", "tb_", "co_", "gi_", "cr_", "ag_"}

// publicName: an identifier that leads neither to the interpreter nor to what a class hides.
func publicName(s string) bool {
	if s == "" || s[0] == '_' || s == "mro" {
		return false
	}
	for _, p := range innards {
		if strings.HasPrefix(s, p) {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
