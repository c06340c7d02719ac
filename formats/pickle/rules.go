package pickle

import (
	"fmt"
	"slices"
	"strings"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// byArguments judges a call of a name that presets allow with some arguments only: why it objects, or "". A rule that
// does not understand what it sees objects.
func (j *judge) byArguments(k *call) string {
	switch k.name.verdict.Rule {
	case globals.RuleNew, globals.RuleSideFile:
		return ruleNew(j, k)
	case globals.RuleBlank:
		return ruleBlank(j, k)
	case globals.RuleShared:
		return ruleShared(j, k)
	case globals.RuleType:
		return ruleType(j, k)
	case globals.RuleGetattr:
		return ruleGetattr(j, k)
	case globals.RulePartial:
		return rulePartial(j, k)
	case globals.RuleReconstructor:
		return ruleReconstructor(j, k)
	case globals.RuleNewobj:
		return ruleNewobj(j, k)
	case globals.RuleEncode:
		return ruleEncode(j, k)
	case globals.RuleDefaultdict:
		return ruleDefaultdict(j, k)
	case globals.RuleClass:
		return ruleClass(j, k)
	case globals.RulePyx:
		return rulePyx(j, k)
	case globals.RuleBytes:
		return ruleBytes(j, k)
	case globals.RuleDtype:
		return ruleDtype(j, k)
	case globals.RuleUfunc:
		return ruleUfunc(j, k)
	case globals.RuleBitgen:
		return ruleBitgen(j, k)
	case globals.RuleNested:
		return ruleNested(j, k)
	case globals.RuleParameterState:
		return ruleParameterState(j, k)
	case globals.RuleFromTypeV2:
		return ruleFromTypeV2(j, k)
	case globals.RuleWrapperSubclass:
		return ruleWrapperSubclass(j, k)
	case globals.RuleFromTensor:
		return ruleFromTensor(j, k)
	case globals.RuleFromStorage:
		return ruleFromStorage(j, k)
	case globals.RuleTensors:
		return ruleTensors(j, k)
	case globals.RuleScalar:
		return ruleScalar(j, k)
	case globals.RuleSame:
		return ruleSame(j, k)
	}
	return fmt.Sprintf("no judgement for the rule %q", k.name.verdict.Rule)
}

const unseen = "its arguments are not a plain tuple that can be judged"

// ruleNew: the object is made without arguments, so that its __init__ does nothing or never runs.
func ruleNew(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) > 0 {
		return "is allowed without arguments only"
	}
	return ""
}

// ruleBlank: NEWOBJ alone, which calls __new__; a REDUCE of the class would run its __init__ with defaults.
func ruleBlank(j *judge, k *call) string {
	if name := opcodes.OpName(k.op); name != "NEWOBJ" && name != "NEWOBJ_EX" {
		return "is made by NEWOBJ only: " + name + " runs its __init__"
	}
	return ruleNew(j, k)
}

// ruleShared: enum members, devices, layouts by plain values. State checks keep them unmodified.
func ruleShared(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) > 4 {
		return unseen
	}
	for _, a := range args {
		if !plain(k.m, a, 2) {
			return "is allowed with plain values only, not " + describe(k.m, a)
		}
	}
	return ""
}

func ruleType(j *judge, k *call) string {
	args, ok := k.positional()
	if ok && len(args) == 1 {
		if n := j.nameOf(k.m, args[0]); plain(k.m, args[0], 1) || n.is("builtins:NotImplemented", "builtins:Ellipsis") {
			return ""
		}
	}
	return "is allowed with one plain value only: with three it makes a class"
}

// builtinBases are the classes whose __new__ and __init__ copyreg._reconstructor may run.
var builtinBases = []string{"object", "dict", "list", "tuple", "set", "frozenset", "int", "float", "str", "unicode",
	"bytes", "complex", "long", "bytearray"}

// ruleReconstructor: copyreg._reconstructor(cls, base, state) is base.__new__(cls, state) and base.__init__(obj, state).
func ruleReconstructor(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 3 {
		return unseen
	}
	if n := j.nameOf(k.m, args[0]); !n.allowed() || n.isWrapper() || !n.verdict.Callable() || !j.allowedCallable(k.m, args[0]) && n.rule() != globals.RuleSideFile {
		return "of " + describe(k.m, args[0]) + ", which is no allowed class"
	}
	if j.hasMethods(k.m, args[2]) {
		return "from " + describe(k.m, args[2]) + ", whose methods it may call"
	}
	base := j.nameOf(k.m, args[1])
	if base.rule() == globals.RuleBytes {
		if why := j.sizeObjection(k.m, args[2]); why != "" {
			return why
		}
	}
	for _, b := range builtinBases {
		if base.is("builtins:"+b, "__builtin__:"+b) {
			return ""
		}
	}
	return "with the base " + describe(k.m, args[1]) + ", which is no builtin type"
}

// ruleNewobj: cls.__new__(cls, *args), as NEWOBJ does it: judged as that call.
func ruleNewobj(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	n := j.nameOf(k.m, args[0])
	if !n.allowed() || !n.verdict.Callable() {
		return "of " + describe(k.m, args[0]) + ", which is no allowed class"
	}
	if n.rule() == globals.RuleNew && !n.isWrapper() && len(args) == 1 || n.verdict.Use == globals.UseCall {
		return ""
	}
	return "of " + describe(k.m, args[0]) + " with arguments"
}

// encodings are those that only spell characters; others decompress, or decode twice.
var encodings = []string{"latin1", "latin-1", "latin_1", "iso-8859-1", "iso8859-1", "utf-8", "utf8", "utf_8", "ascii", "us-ascii"}

func ruleEncode(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 || len(args) > 3 {
		return unseen
	}
	if kind := args[0].Kind(); kind != opcodes.KindStr && kind != opcodes.KindStr8 {
		return "of " + describe(k.m, args[0]) + ", which is no text"
	}
	for _, a := range args[1:] {
		s, ok := text(k.m, a, 64)
		if !ok || !slices.Contains(encodings, strings.ToLower(s)) && !slices.Contains([]string{"strict", "surrogateescape", "surrogatepass"}, s) {
			return "with " + render(k.m, a, 60) + ", which is no plain character encoding"
		}
	}
	return ""
}

func ruleDefaultdict(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) > 2 {
		return unseen
	}
	if len(args) == 0 || args[0].Kind() == opcodes.KindNone {
		return ""
	}
	n := j.nameOf(k.m, args[0])
	for _, b := range []string{"list", "dict", "int", "set", "float", "str", "bool", "tuple", "frozenset", "long", "unicode", "complex", "bytes", "object"} {
		if n.is("builtins:"+b, "__builtin__:"+b) {
			return ""
		}
	}
	if n.is("collections:OrderedDict", "collections:Counter", "collections:deque", "torch.amp.grad_scaler:_refresh_per_optimizer_state",
		"torch.cuda.amp.grad_scaler:_refresh_per_optimizer_state") {
		return ""
	}
	return "with the factory " + describe(k.m, args[0]) + ", which is no plain type"
}

// ruleClass: the first argument is an allowed name of the callee's own preset, and so is every name among the others.
func ruleClass(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return unseen
	}
	for i, a := range args {
		n := j.nameOf(k.m, a)
		if i > 0 && n == nil && (a.Kind() == opcodes.KindCall || !a.Unknown()) {
			continue
		}
		if !n.allowed() || n.verdict.Preset != k.name.verdict.Preset {
			return "with " + describe(k.m, a) + " where a class of " + k.name.verdict.Preset + " belongs"
		}
	}
	return ""
}
