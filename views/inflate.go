package views

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"

	"trustfs/formats"
)

// Inflated is how many bytes the Members of a Plan inflate to, one behind the other.
func (p *Plan) Inflated() int64 {
	n := int64(0)
	for _, m := range p.Members {
		n += m.Size // Validate bounds the sum
	}
	return n
}

// Part names what of a source is inflated: with the source's digest it names the inflated bytes.
func (p *Plan) Part() [sha256.Size]byte {
	h := sha256.New()
	for _, m := range p.Members {
		fmt.Fprintf(h, "%d %d %d %s %d\n", m.Offset, m.Packed, m.Size, m.Method, m.CRC)
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// Sections cuts what the Members inflate to, one behind the other in r, into a reader for each, as NewReader takes them.
func (p *Plan) Sections(r io.ReaderAt) []io.ReaderAt {
	out, at := make([]io.ReaderAt, 0, len(p.Members)), int64(0)
	for _, m := range p.Members {
		out = append(out, io.NewSectionReader(r, at, m.Size))
		at += m.Size
	}
	return out
}

// Inflate writes what the members inflate to, one behind the other. It runs in the jail. A member that does not hold what
// was said of it (more bytes, or fewer, or others) is a *LimitError, a source that cannot be read is the source's own error;
// what was written until then is worth nothing. The whole output is bounded by the budget, and each member by what it says
// itself.
func Inflate(w io.Writer, source io.ReaderAt, members []Member, budget formats.Budget) error {
	if budget == (formats.Budget{}) {
		budget = formats.DefaultBudget()
	}
	buf, read := make([]byte, 256<<10), &watched{ReaderAt: source}
	for i := range members {
		m := &members[i]
		if m.Size < 0 {
			return m.wrong("a size of %d bytes", m.Size)
		}
		if budget.Inflated -= m.Size; budget.Inflated < 0 {
			return limit("", "inflated: the compressed members hold more bytes than the budget of all of them")
		}
		if err := m.inflate(w, read, buf); err != nil {
			return cmp.Or(read.err, err)
		}
	}
	return nil
}

// A watched source remembers why it could not be read: decompressors make errors of their own of that.
type watched struct {
	io.ReaderAt
	err error
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF && w.err == nil {
		w.err = err
	}
	return n, err
}

// open starts the member's decompressor.
func (m *Member) open(source io.ReaderAt) (io.Reader, error) {
	r, _, err := m.Method.Open(io.NewSectionReader(source, m.Offset, m.Packed), m.Size)
	if err != nil {
		return nil, limit("", "%v", err)
	}
	return r, nil
}

// inflate writes exactly Size bytes with the CRC that was said, which take all packed bytes.
func (m *Member) inflate(w io.Writer, source io.ReaderAt, buf []byte) error {
	r, used, err := m.Method.Open(io.NewSectionReader(source, m.Offset, m.Packed), m.Size)
	if err != nil {
		return m.wrong("%v", err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	sum, n := uint32(0), int64(0)
	for {
		k, err := r.Read(buf[:min(int64(len(buf)), m.Size-n+1)])
		if n += int64(k); n > m.Size {
			return m.wrong("inflates to more than the %d bytes that were said", m.Size)
		}
		sum = crc32.Update(sum, crc32.IEEETable, buf[:k])
		if _, err := w.Write(buf[:k]); err != nil {
			return err
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return m.wrong("after %d bytes: %v", n, err)
		}
	}
	switch {
	case n != m.Size:
		return m.wrong("inflates to %d bytes, %d were said", n, m.Size)
	case sum != m.CRC:
		return m.wrong("CRC %08x, %08x was said", sum, m.CRC)
	case used != nil && used() != m.Packed:
		return m.wrong("the compressed data ends after %d of %d bytes", used(), m.Packed)
	}
	return nil
}

func (m *Member) wrong(format string, args ...any) error {
	return limit("", "the compressed member at offset %d: "+format, append([]any{m.Offset}, args...)...)
}

// A prefix reads the beginning of what a decompressor gives, and keeps it.
type prefix struct {
	r   io.Reader
	got []byte
	err error
}

// maxPrefix is more than any header of an array that numpy itself accepts (10,000 bytes, unless it is told otherwise).
const maxPrefix = 256 << 10

// ReadAt implements io.ReaderAt.
func (p *prefix) ReadAt(b []byte, off int64) (int, error) {
	end := off + int64(len(b))
	if off < 0 || end > maxPrefix {
		return 0, limit("", "a header of more than %d bytes", maxPrefix)
	}
	for p.err == nil && int64(len(p.got)) < end {
		more := make([]byte, max(4096, end-int64(len(p.got))))
		n, err := io.ReadFull(p.r, more)
		p.got, p.err = append(p.got, more[:n]...), err
	}
	n := copy(b, p.got[min(off, int64(len(p.got))):])
	if n == len(b) {
		return n, nil
	}
	if p.err == io.ErrUnexpectedEOF {
		return n, io.EOF
	}
	return n, p.err
}
