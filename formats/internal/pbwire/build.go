package pbwire

import "encoding/binary"

// Message appends to a message under construction, for tests of the packages that walk them.
type Message []byte

// Bytes appends a length-delimited field.
func (m Message) Bytes(num int, b []byte) Message {
	return append(binary.AppendUvarint(appendTag(m, num, BytesType), uint64(len(b))), b...)
}

// String appends a string field.
func (m Message) String(num int, s string) Message { return m.Bytes(num, []byte(s)) }

// Varint appends a number.
func (m Message) Varint(num int, n uint64) Message {
	return binary.AppendUvarint(appendTag(m, num, VarintType), n)
}
