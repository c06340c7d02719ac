package flax

// kind of a MessagePack value.
type kind uint8

const (
	kindOther kind = iota // nil, booleans, floats, negative numbers
	kindUint
	kindStr
	kindBin
	kindArray
	kindMap
	kindExt
)

// head is what stands before a value's content: n is the bytes that follow, or the number of elements or pairs.
type head struct {
	kind  kind
	n     uint64
	value uint64 // of a kindUint, which has no content left
	ext   int8
}

// head reads a value's head. Format: github.com/msgpack/msgpack/blob/master/spec.md.
func (c reader) head() head {
	b := c.U8()
	low := uint64(b)
	switch {
	case c.Err() != nil:
		return head{}
	case b <= 0x7f:
		return head{kind: kindUint, value: low}
	case b <= 0x8f:
		return head{kind: kindMap, n: low & 0x0f}
	case b <= 0x9f:
		return head{kind: kindArray, n: low & 0x0f}
	case b <= 0xbf:
		return head{kind: kindStr, n: low & 0x1f}
	case b >= 0xe0:
		return head{}
	}
	return c.tagged(b)
}

// tagged reads the heads with a byte of their own.
func (c reader) tagged(b byte) head {
	switch b {
	case 0xc0, 0xc2, 0xc3:
		return head{}
	case 0xc4, 0xc5, 0xc6:
		return head{kind: kindBin, n: c.sized(b - 0xc4)}
	case 0xc7, 0xc8, 0xc9:
		return head{kind: kindExt, n: c.sized(b - 0xc7), ext: int8(c.U8())}
	case 0xca:
		return head{n: 4}
	case 0xcb:
		return head{n: 8}
	case 0xcc, 0xcd, 0xce, 0xcf:
		return head{kind: kindUint, value: c.sized(b - 0xcc)}
	case 0xd0, 0xd1, 0xd2, 0xd3:
		return head{n: 1 << (b - 0xd0)}
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return head{kind: kindExt, n: 1 << (b - 0xd4), ext: int8(c.U8())}
	case 0xd9, 0xda, 0xdb:
		return head{kind: kindStr, n: c.sized(b - 0xd9)}
	case 0xdc, 0xdd:
		return head{kind: kindArray, n: c.sized(b - 0xdc + 1)}
	case 0xde, 0xdf:
		return head{kind: kindMap, n: c.sized(b - 0xde + 1)}
	}
	c.Fail("the byte %#02x begins no value", b)
	return head{}
}

// sized reads an unsigned number of 1, 2, 4 or 8 bytes.
func (c reader) sized(log byte) uint64 {
	switch log {
	case 0:
		return uint64(c.U8())
	case 1:
		return uint64(c.U16())
	case 2:
		return uint64(c.U32())
	}
	return c.U64()
}
