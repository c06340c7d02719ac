package pbwire

import "encoding/binary"

// The wire encoding itself (protobuf.dev/programming-guides/encoding), a few lines over encoding/binary. The protobuf
// module's own protowire is not used: importing it makes the program open its own executable while it starts, and a
// jailed worker starts without anything to open.

// A Number is a field's number.
type Number int32

// A Type is a field's wire type.
type Type int8

// The wire types. Groups (3 and 4) are in no current schema.
const (
	VarintType  Type = 0
	Fixed64Type Type = 1
	BytesType   Type = 2
	Fixed32Type Type = 5
)

// ConsumeVarint reads a varint. n is the number of bytes it took; 0 or less says that it is cut or longer than 64 bits.
func ConsumeVarint(b []byte) (v uint64, n int) { return binary.Uvarint(b) }

// consumeTag reads a field's number and type. n is 0 or less for what is none.
func consumeTag(b []byte) (num Number, typ Type, n int) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v>>3 == 0 || v>>3 > 1<<29-1 {
		return 0, 0, 0
	}
	return Number(v >> 3), Type(v & 7), n
}

func consumeFixed32(b []byte) (v uint64, n int) {
	if len(b) < 4 {
		return 0, 0
	}
	return uint64(binary.LittleEndian.Uint32(b)), 4
}

func consumeFixed64(b []byte) (v uint64, n int) {
	if len(b) < 8 {
		return 0, 0
	}
	return binary.LittleEndian.Uint64(b), 8
}

func appendTag(b []byte, num int, typ Type) []byte {
	return binary.AppendUvarint(b, uint64(num)<<3|uint64(typ))
}
