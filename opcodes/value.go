package opcodes

// A Value is what an opcode put on the stack: a symbol, compared by identity with ==. The upper 8 bits are its Kind,
// the rest is the offset of the opcode that made a literal, an index, or a slot of the arena. Ask the Machine for more.
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

// arenaKinds has a bit for each kind whose payload is a slot of the arena.
const arenaKinds = 1<<KindTuple | 1<<KindList | 1<<KindDict | 1<<KindSet | 1<<KindFrozenSet | 1<<KindBytearray |
	1<<KindView | 1<<KindCall | 1<<KindPersistent

// inArena says whether v's payload is a slot of the arena. The empty tuple needs none, nor does a call of which nothing
// is known any more.
func (v Value) inArena() bool {
	return arenaKinds>>v.Kind()&1 != 0 && v.payload() != 0
}

// NoItems says that v is the empty tuple, of which there is one.
func (v Value) NoItems() bool { return v == emptyTuple }

// emptyTuple has slot 0, which is nothing's.
const emptyTuple = Value(KindTuple) << payloadBits
