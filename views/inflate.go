package views

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// maxInMemory bounds members that are kept in memory once inflated; larger ones belong in a spool file.
const maxInMemory = 64 << 20

// Inflate opens the compressed members of a Plan, in memory.
func Inflate(source io.ReaderAt, p *Plan) ([]io.ReaderAt, error) {
	var out []io.ReaderAt
	total := int64(0)
	for i, m := range p.Members {
		if total += m.Size; total > maxInMemory {
			return nil, limit("", "compressed members of more than %d bytes", maxInMemory)
		}
		var b bytes.Buffer
		if err := m.inflate(&b, source); err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		out = append(out, bytes.NewReader(b.Bytes()))
	}
	return out, nil
}

// inflate writes exactly Size bytes; more or fewer are an error.
func (m Member) inflate(w io.Writer, source io.ReaderAt) error {
	z := flate.NewReader(io.NewSectionReader(source, m.Offset, m.Packed))
	defer z.Close()
	n, err := io.Copy(w, io.LimitReader(z, m.Size+1))
	if err != nil {
		return err
	}
	if n != m.Size {
		return limit("", "inflates to %d bytes or more, the archive says %d", n, m.Size)
	}
	return nil
}
