package gen

import (
	"encoding/binary"
	"math"
)

// A Tensor is a dense row-major float32 tensor.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
}

// Ramp makes a tensor whose values differ from each other, so that a swapped or shifted byte shows.
func Ramp(name string, start float32, shape ...int) Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = start + float32(i)/8
	}
	return Tensor{Name: name, Shape: shape, Values: values}
}

// Bytes are the values in little-endian order, as every format here stores them.
func (t Tensor) Bytes() []byte {
	b := make([]byte, 0, 4*len(t.Values))
	for _, v := range t.Values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// strides of a contiguous tensor, in elements.
func (t Tensor) strides() []int {
	s := make([]int, len(t.Shape))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = step
		step *= t.Shape[i]
	}
	return s
}
