package opcodes

// A Value is what an opcode put on the stack: a symbol, compared by identity with ==. The upper 8 bits are its Kind,
// the rest is the offset of the opcode that made a literal, an index, or a place in the arena. Ask the Machine for more.
type Value uint64

// A Kind is the type of a Value.
type Kind uint8

// The kinds of values. Only KindGlobal and those after it can be anything at run time.
const (
	KindInvalid   Kind = iota // no value
	KindNone                  //
	KindTrue                  //
	KindFalse                 //
	KindInt                   // INT, LONG, BININT*, LONG1, LONG4
	KindFloat                 //
	KindStr                   // UNICODE, BINUNICODE*, PERSID's id
	KindStr8                  // STRING, BINSTRING*: str or bytes, as the loader's encoding has it
	KindBytes                 //
	KindBytearray             //
	KindView                  // READONLY_BUFFER of a bytearray
	KindTuple                 //
	KindList                  //
	KindDict                  //
	KindSet                   //
	KindFrozenSet             //
	KindMark                  // a MARK taken for a value, by Python 2's pickle.py only

	KindGlobal     // the result of a name: GLOBAL, STACK_GLOBAL
	KindCall       // the result of a call
	KindPersistent // what persistent_load gave
	KindExtension  // what an EXT opcode gave
	KindBuffer     // an out-of-band buffer
	KindDynamic    // the result of a STACK_GLOBAL whose name is known at run time only
	numKinds

	kindBlock Kind = 0xfe // arena: contents of a mutable container
	kindFree  Kind = 0xff // arena: free words
)

var kindNames = [numKinds]string{
	"invalid", "None", "True", "False", "int", "float", "str", "str8", "bytes", "bytearray", "memoryview", "tuple",
	"list", "dict", "set", "frozenset", "mark", "global", "call", "persistent", "extension", "buffer", "dynamic",
}

// String names the kind as Python would name the type, where it has one.
func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return "internal"
}

const (
	payloadBits = 56
	payloadMask = 1<<payloadBits - 1
)

// Kind gives the type of v.
func (v Value) Kind() Kind { return Kind(v >> payloadBits) }

// Unknown says that v's type and state exist only at run time: names, call results, persistent objects and the like.
func (v Value) Unknown() bool { return v.Kind() >= KindGlobal }

func (v Value) payload() uint64 { return uint64(v) & payloadMask }

// mk makes a value; payload must fit in 56 bits, which every offset and place does.
func mk(k Kind, payload uint64) Value { return Value(k)<<payloadBits | Value(payload&payloadMask) }

// inArena says whether v's payload is a place in the arena. The empty tuple is the one tuple that needs none.
func (v Value) inArena() bool {
	switch v.Kind() {
	case KindTuple, KindList, KindDict, KindSet, KindFrozenSet, KindBytearray, KindCall, KindPersistent:
		return v != emptyTuple
	case KindView:
		return true
	}
	return false
}

// emptyTuple is place 0 of the arena, where no block lies.
const emptyTuple = Value(KindTuple) << payloadBits
