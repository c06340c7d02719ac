package all

import (
	"errors"
	"io"
)

// headBytes are kept in memory: every detector looks at them, and below this reader each read is checked against a hash
// of 128 KiB.
const headBytes = 64 << 10

// input is the file to judge. It answers reads of the head from memory, and remembers a failed read even where an
// inspector took the failure for the end of the file.
type input struct {
	r    io.ReaderAt
	size int64
	head []byte
	err  error
}

// ReadAt implements io.ReaderAt.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if off >= 0 && off+int64(len(p)) <= min(in.size, headBytes) {
		if err := in.fill(); err != nil {
			return 0, err
		}
		return copy(p, in.head[off:]), nil
	}
	n, err := in.r.ReadAt(p, off)
	if err == io.EOF && off >= 0 && off+int64(n) < in.size && n < len(p) {
		err = io.ErrUnexpectedEOF
	}
	return n, in.note(err)
}

func (in *input) fill() error {
	if in.head != nil {
		return nil
	}
	head := make([]byte, min(in.size, headBytes))
	if n, err := in.r.ReadAt(head, 0); n < len(head) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return in.note(err)
	}
	in.head = head
	return nil
}

// note keeps the first failure; the end of the file is none.
func (in *input) note(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && in.err == nil {
		in.err = err
	}
	return err
}
