package gen

import (
	"encoding/binary"
	"encoding/json"
)

// Safetensors is a file with the tensors in the given order and the given metadata. See the format's README: eight bytes
// of header length, a JSON header padded with blanks, the bytes of the tensors without gaps.
func Safetensors(tensors []Tensor, metadata map[string]string) []byte {
	type entry struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{"__metadata__": metadata}
	if metadata == nil {
		header["__metadata__"] = map[string]string{"format": "pt"}
	}
	var data []byte
	for _, t := range tensors {
		b := t.Bytes()
		header[t.Name] = entry{"F32", t.Shape, [2]int{len(data), len(data) + len(b)}}
		data = append(data, b...)
	}
	return frame(mustJSON(header), data)
}

func frame(header, data []byte) []byte {
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

// SafetensorsOverlap has two tensors that share bytes, which the format forbids.
func SafetensorsOverlap() []byte {
	header := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`
	return frame([]byte(header), make([]byte, 12))
}

// SafetensorsHuge claims a header of 2^63 bytes.
func SafetensorsHuge() []byte {
	return append(binary.LittleEndian.AppendUint64(nil, 1<<63), `{"a":{}}`...)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only the package's own plain types come here
	}
	return b
}

// SafetensorsHeader is what comes before the bytes of a single tensor: a vector of size bytes.
func SafetensorsHeader(name, dtype string, size int64) []byte {
	return frame(mustJSON(map[string]any{name: map[string]any{"dtype": dtype, "shape": []int64{size}, "data_offsets": []int64{0, size}}}), nil)
}
