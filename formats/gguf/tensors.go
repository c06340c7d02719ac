package gguf

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"trustfs/formats"
)

const (
	maxDims = 4  // GGML_MAX_DIMS
	maxName = 64 // GGML_MAX_NAME, with its final NUL
)

// info is where a tensor lies: begin and size in bytes of the data section, at is where it is described.
type info struct {
	begin, size uint64
	at          int64
}

// tensorInfos reads the tensor descriptions.
func (f *file) tensorInfos() {
	seen := make(map[string]bool)
	for i := uint64(0); i < f.tensors && f.Err() == nil; i++ {
		f.what = fmt.Sprintf("tensor %d of %d", i+1, f.tensors)
		at := f.Offset()
		name := f.str(maxKey)
		if f.Err() == nil && len(name) >= maxName {
			f.malformed("the tensor's name has %d bytes: %d fit", len(name), maxName-1)
		}
		if seen[name] {
			f.malformed("the tensor %.80q occurs twice", name)
		}
		seen[name] = true
		f.tensor(name, at)
	}
}

// tensor reads dimensions, type and offset.
func (f *file) tensor(name string, at int64) {
	dims := make([]uint64, 0, maxDims)
	n := f.U32()
	if f.Err() == nil && n > maxDims {
		f.Fail("%d dimensions: at most %d", n, maxDims)
	}
	for i := uint32(0); i < n && f.Err() == nil; i++ {
		dims = append(dims, f.count())
	}
	kind, begin := f.U32(), f.U64()
	if f.Err() != nil {
		return
	}
	f.c.Result.Facts.Tensors++
	t, known := ggmlTypes[kind]
	if !known {
		f.unsized = true
		f.c.Addf(formats.RuleDtypeUnsafe, f.s.At(at), "tensor %.80q has the unknown or removed type %d", name, kind)
		return
	}
	f.c.Dtype(t.name)
	elements, size, ok := extent(dims, t)
	if !ok {
		f.badSize = true
		f.c.Addf(formats.RuleFormatMalformed, f.s.At(at), "tensor %.80q: dimensions %v of %s overflow or end inside a block", name, dims, t.name)
		return
	}
	f.c.Result.Facts.Parameters += int64(min(elements, uint64(math.MaxInt64-f.c.Result.Facts.Parameters)))
	f.infos = append(f.infos, info{begin, size, at})
}

// extent multiplies the dimensions and gives the bytes; ok is false on overflow of 63 bits, as readers count in signed
// numbers, or where a row is no whole number of blocks.
func extent(dims []uint64, t blockType) (elements, size uint64, ok bool) {
	if len(dims) > 0 && dims[0]%t.elements != 0 || len(dims) == 0 && t.elements != 1 {
		return 0, 0, false
	}
	elements = 1
	for _, d := range dims {
		hi, lo := bits.Mul64(elements, d)
		if hi != 0 || lo > math.MaxInt64 {
			return 0, 0, false
		}
		elements = lo
	}
	hi, lo := bits.Mul64(elements/t.elements, t.bytes)
	return elements, lo, hi == 0 && lo <= math.MaxInt64
}

// layout checks that the tensors lie aligned in the data section, one after the other, up to the file's end.
func (f *file) layout() {
	start := pad(uint64(f.Offset()), f.alignment)
	if f.tensors == 0 {
		start = min(start, uint64(f.s.Size)) // a vocabulary alone may end without padding
	}
	if start > uint64(f.s.Size) {
		f.malformed("the file ends before its data section at %d", start)
		return
	}
	room := uint64(f.s.Size) - start
	slices.SortFunc(f.infos, func(a, b info) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.size, b.size)) })
	var end uint64
	for _, t := range f.infos {
		where := f.s.At(t.at)
		switch {
		case t.begin > room || t.size > room-t.begin:
			f.c.Addf(formats.RuleFormatMalformed, where, "the tensor takes %d bytes at %d of the data, which has %d: is the download complete?", t.size, t.begin, room)
			return
		case t.begin%f.alignment != 0:
			f.c.Addf(formats.RuleFormatMalformed, where, "the tensor begins at %d, which is not aligned to %d", t.begin, f.alignment)
			return
		case t.begin < end:
			f.c.Addf(formats.RuleFormatMalformed, where, "the tensor begins at %d, inside the one before, which ends at %d", t.begin, end)
			return
		case t.begin != pad(end, f.alignment) && !f.unsized && !f.badSize:
			f.c.Addf(formats.RuleFormatMalformed, where, "the tensor begins at %d, the one before ends at %d: bytes that belong to no tensor", t.begin, end)
			return
		}
		end = t.begin + t.size
	}
	if !f.unsized && !f.badSize && room > pad(end, f.alignment) {
		f.c.Addf(formats.RuleFormatMalformed, f.s.At(int64(start+end)), "%d bytes follow the last tensor: something is appended", room-end)
	}
}

// pad rounds n, which is below 2^63, up to the alignment.
func pad(n, alignment uint64) uint64 { return (n + alignment - 1) &^ (alignment - 1) }
