package views

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// MaxIndex bounds an index of shards, in bytes: that of a model of a trillion parameters has about 10 MB.
const MaxIndex = 64 << 20

// RewriteIndex makes, of pytorch_model.bin.index.json, the model.safetensors.index.json that fits the views of its shards:
// the same tensors, each in the view of the file that held it. See the Hugging Face sharded checkpoint format: an object
// with "metadata" and "weight_map" (tensor to file name).
func RewriteIndex(r io.ReaderAt, size int64) ([]byte, error) {
	if size > MaxIndex {
		return nil, limit("", "an index of %d bytes, at most %d", size, MaxIndex)
	}
	text := make([]byte, size)
	if err := readFull(r, text, 0); err != nil {
		return nil, err
	}
	var index struct {
		Metadata  map[string]any    `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // total_size must not become a float
	if err := d.Decode(&index); err != nil {
		return nil, limit("", "the index is not what Hugging Face writes: %v", err)
	}
	if len(index.WeightMap) == 0 {
		return nil, limit("", "the index names no tensor (no weight_map)")
	}
	for tensor, file := range index.WeightMap {
		v, ok := ViewOf(file)
		if !ok || v.Kind != KindTensors {
			return nil, limit(tensor, "the index places it in %q, which has no view", file)
		}
		index.WeightMap[tensor] = v.Name
	}
	if index.Metadata == nil {
		index.Metadata = map[string]any{}
	}
	out, err := json.MarshalIndent(struct {
		Metadata  map[string]any    `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{index.Metadata, index.WeightMap}, "", "  ") // keys sorted: deterministic
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return append(out, '\n'), nil
}
