package pickle

import (
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// rulePyx: Cython's __pyx_unpickle_X(cls, checksum, state) makes cls.__new__(cls) and gives it the fields of the state, a
// tuple, whose last one is put into __dict__ if there is one: judged as a class by name and a state by BUILD.
func rulePyx(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 3 {
		return unseen
	}
	if n := j.nameOf(k.m, args[0]); !n.allowed() || n.verdict.Preset != k.name.verdict.Preset {
		return "with " + describe(k.m, args[0]) + " where a class of " + k.name.verdict.Preset + " belongs"
	}
	if !plain(k.m, args[1], 0) {
		return "with " + describe(k.m, args[1]) + " where a checksum belongs"
	}
	switch state := args[2]; {
	case state.Kind() == opcodes.KindNone:
		return ""
	case state.Kind() != opcodes.KindTuple || !k.m.Whole(state):
		return "with a state that is neither None nor a plain tuple: " + describe(k.m, state)
	default:
		return j.tupleObjection(k.m, k.m.Items(state))
	}
}

// ruleBytes: bytes and bytearray of what has them, as picklers write it. A number, or an object that says it is one, is a
// size: a few bytes of a file would have a loader take any amount of memory.
func ruleBytes(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) > 3 {
		return unseen
	}
	if len(args) == 0 {
		return ""
	}
	for _, a := range args[1:] {
		if _, ok := text(k.m, a, 64); !ok {
			return "with " + describe(k.m, a) + ", which names no encoding"
		}
	}
	return j.sizeObjection(k.m, args[0])
}

// sizeObjection objects to what bytes and bytearray may take for a size, or ask for its bytes.
func (j *judge) sizeObjection(m *opcodes.Machine, v opcodes.Value) string {
	switch v.Kind() {
	case opcodes.KindNone, opcodes.KindStr, opcodes.KindStr8, opcodes.KindBytes, opcodes.KindBytearray, opcodes.KindView, opcodes.KindTuple, opcodes.KindList:
		return ""
	case opcodes.KindCall:
		switch j.made(m, v).rule() {
		case globals.RuleEncode, globals.RuleBytes:
			return ""
		}
	}
	return "of " + describe(m, v) + ", which holds no bytes"
}
