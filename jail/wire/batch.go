package wire

import "encoding/json"

// A Batch asks for one task over several small files: it is the body of a Request whose task is BatchTask, and has one
// answer a part, in order. The bytes of the files follow the frame, one after another, in place of manifests: no descriptor
// comes with them.
type Batch struct {
	Task  string
	Parts []Part
}

// A Part is one file of a Batch.
type Part struct {
	Body json.RawMessage `json:",omitempty"`
	Size int             // bytes
}

// BatchTask is the task that no table holds: its request is a Batch.
const BatchTask = "batch"

// Bounds of a Batch.
const (
	MaxParts      = 64      // files
	MaxBatchBytes = 4 << 20 // bytes of all files together
)

// Fits says whether a batch keeps its bounds.
func (b *Batch) Fits() bool {
	total := 0
	for _, p := range b.Parts {
		if p.Size < 0 || p.Size > MaxBatchBytes {
			return false
		}
		total += p.Size
	}
	return len(b.Parts) > 0 && len(b.Parts) <= MaxParts && total <= MaxBatchBytes
}
