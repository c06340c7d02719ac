package views

import (
	"io"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/opcodes"
)

// isPackedFile wants a compression of the whole file that joblib.load undoes by itself.
func isPackedFile(_ []byte, s *formats.Source) bool {
	_, ok := archive.PackingOf(s)
	return ok
}

// packedFile shows the arrays of a compressed pickle: what joblib.dump(compress=...) writes. Where they lie is known only
// once the whole file was inflated, so that it is inflated for the plan too, and forgotten again.
func packedFile(r io.ReaderAt, size int64) (*Plan, error) {
	method, _ := archive.PackingOf(&formats.Source{R: r, Size: size})
	c := &formats.Context{Budget: formats.DefaultBudget()}
	c.Budget.Ratio = MaxRatio
	d := method.Unpack(c, "", io.NewSectionReader(r, 0, size), 0)
	if f := c.Result.Findings; len(f) > 0 {
		return nil, limit("", "the file does not decompress: %s %s", f[0].Rule, f[0].Detail)
	}
	if d.Err() != nil {
		return nil, limit("", "the file does not decompress: after %d bytes: %v", d.Size(), d.Err())
	}
	head := make([]byte, min(d.Size(), 64))
	if err := readFull(d, head, 0); err != nil {
		return nil, err
	}
	if !isPickle(head, nil) {
		return nil, limit("", "the file is compressed, and what is in it is no pickle")
	}
	m := Member{Packed: size, Size: d.Size(), Method: method, CRC: d.CRC()}
	if !m.plausible() {
		return nil, limit("", "ratio: %d compressed bytes inflate to %d, more than %d for each", size, d.Size(), MaxRatio)
	}
	tensors, _, err := interpret(stream{r: d, size: d.Size(), member: 1, readings: opcodes.Joblib, joblib: true}, "")
	if err != nil {
		return nil, err
	}
	return lay(tensors, []Member{m})
}
