package views

import "math/bits"

// product multiplies non-negative sizes. ok is false on overflow or a negative one.
func product(ns ...int64) (int64, bool) {
	p := uint64(1)
	for _, n := range ns {
		if n < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(p, uint64(n))
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		p = lo
	}
	return int64(p), true
}

// contiguous says whether strides (in elements) are those of a row-major tensor without gaps.
func contiguous(shape, strides []int64) bool {
	if strides == nil {
		return true
	}
	want := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 0 {
			return true
		}
		if shape[i] != 1 && strides[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}

// span gives the lowest and the highest element offset that a strided tensor touches, relative to its first element.
func span(shape, strides []int64) (low, high int64, ok bool) {
	for i, n := range shape {
		if n == 0 {
			return 0, -1, true
		}
		d, fits := product(n-1, max(strides[i], -strides[i]))
		if !fits || strides[i] == -1<<63 {
			return 0, 0, false
		}
		if strides[i] < 0 {
			low -= d
		} else {
			high += d
		}
		if low < -1<<56 || high > 1<<56 {
			return 0, 0, false
		}
	}
	return low, high, true
}
