package pickle

import (
	"fmt"
	"strings"

	"trustfs/formats/globals"
)

// ruleGetattr: a public attribute of an allowed class that is made empty (a module) or shared (an enum), or the
// forward methods of an instance of such a class. Anything else walks to whatever a class or module holds.
func ruleGetattr(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 2 {
		return unseen
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
