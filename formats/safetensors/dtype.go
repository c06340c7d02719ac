package safetensors

import (
	"math"
	"math/bits"
)

// dtypeBits gives the size of one element in bits, as the reference implementation's Dtype::bitsize does.
var dtypeBits = map[string]int64{
	"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"I16": 16, "U16": 16, "F16": 16, "BF16": 16,
	"I32": 32, "U32": 32, "F32": 32,
	"C64": 64, "F64": 64, "I64": 64, "U64": 64,
}

// product multiplies a shape; ok is false where it overflows or a dimension is negative. A scalar has one element.
func product(shape []int64) (elements int64, ok bool) {
	elements = 1
	for _, d := range shape {
		hi, lo := bits.Mul64(uint64(elements), uint64(d))
		if d < 0 || hi != 0 || lo > math.MaxInt64 {
			return 0, false
		}
		elements = int64(lo)
	}
	return elements, true
}

// extentOf is the bytes that elements of bits each take; ok is false on overflow or a last byte used in part.
func extentOf(elements, width int64) (size int64, ok bool) {
	hi, lo := bits.Mul64(uint64(elements), uint64(width))
	if hi != 0 || lo%8 != 0 {
		return 0, false
	}
	return int64(lo / 8), true
}
