package gen

import "encoding/binary"

const ggufAlignment = 32

// GGUF is a version 3 file with one metadata string a pair of strs (key, value), and the tensors as F32. See ggml's
// docs/gguf.md.
func GGUF(tensors []Tensor, strs ...[2]string) []byte {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(strs)))
	for _, kv := range strs {
		b = str(b, kv[0])
		b = le.AppendUint32(b, 8) // a string
		b = str(b, kv[1])
	}
	var data []byte
	for _, t := range tensors {
		b = str(b, t.Name)
		b = le.AppendUint32(b, uint32(len(t.Shape)))
		for i := len(t.Shape) - 1; i >= 0; i-- { // innermost first
			b = le.AppendUint64(b, uint64(t.Shape[i]))
		}
		b = le.AppendUint32(b, 0) // F32
		b = le.AppendUint64(b, uint64(len(data)))
		data = pad(append(data, t.Bytes()...))
	}
	return append(pad(b), data...)
}

func pad(b []byte) []byte {
	for len(b)%ggufAlignment != 0 {
		b = append(b, 0)
	}
	return b
}
