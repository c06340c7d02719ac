package views

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fingerprint names what the Answer shows of a given source: two Answers with the same one give the same bytes of it. It
// costs no pass over the source.
func (a *Answer) Fingerprint() [sha256.Size]byte {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part(a.Index)
	if p := a.Plan; p != nil {
		part(p.Header)
		var b []byte
		ints := func(vs ...int64) {
			for _, v := range vs {
				b = binary.LittleEndian.AppendUint64(b, uint64(v))
			}
		}
		for i := range p.Tensors {
			x := &p.Tensors[i]
			b = b[:0]
			ints(x.At, x.Len, x.Source, int64(x.Member), x.Item, x.Swap, int64(len(x.Shape)))
			ints(x.Shape...)
			ints(x.Strides...)
			part(b)
		}
		for _, m := range p.Members {
			b = b[:0]
			ints(m.Offset, m.Packed, m.Size, int64(m.CRC))
			part(append(b, m.Method...))
		}
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}
