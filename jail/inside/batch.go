package inside

import (
	"bytes"
	"encoding/json"
	"errors"

	"trustfs/jail/wire"
)

// flushAt is how many bytes of answers are kept before they are written: the parent is woken for many at a time, and a pipe
// takes as much at once.
const flushAt = 60 << 10

// serveBatch reads the files of a batch and answers for each, in order. The files come as bytes that the parent has hashed,
// so there is nothing to check them against, and no read that could fail.
func serveBatch(tasks map[string]Task, body json.RawMessage, fds []int) error {
	var batch wire.Batch
	if err := json.Unmarshal(body, &batch); err != nil {
		return err
	}
	if !batch.Fits() || len(fds) > 0 {
		return errors.New("a batch over its bounds, or with descriptors")
	}
	total := 0
	for _, p := range batch.Parts {
		total += p.Size
	}
	files := make([]byte, total)
	if err := readFull(files); err != nil {
		return err
	}
	var out []byte
	for i, p := range batch.Parts {
		in := []Input{{R: &Checked{r: bytes.NewReader(files[:p.Size])}, Size: int64(p.Size)}}
		out = append(out, answer(tasks, &wire.Request{Task: batch.Task, Body: p.Body}, in)...)
		files = files[p.Size:]
		if len(out) < flushAt && i < len(batch.Parts)-1 {
			continue
		}
		if err := writeAll(wire.FDAnswer, out); err != nil {
			return err
		}
		out = out[:0]
	}
	return nil
}
