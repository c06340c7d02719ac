package archive

import (
	"errors"
	"io"

	"trustfs/formats"
)

// Records are small and lie close together, and below the inspectors each read of any length costs the check of a whole
// chunk of 128 KiB against its hash. So small reads are served from pages of that size.
const (
	pageSize  = 128 << 10
	smallRead = 16 << 10
)

// pages is an io.ReaderAt that keeps the two pages last used: where the directory is read, and where the members are.
// It serves one goroutine.
type pages struct {
	r     io.ReaderAt
	size  int64
	page  [2][]byte
	start [2]int64
	next  int // to be replaced
}

// paged gives s with small reads served from pages.
func paged(s *formats.Source) *formats.Source {
	if _, ok := s.R.(*pages); ok {
		return s
	}
	t := *s
	t.R = &pages{r: s.R, size: s.Size, start: [2]int64{-1, -1}}
	return &t
}

// ReadAt implements io.ReaderAt.
func (p *pages) ReadAt(b []byte, off int64) (int, error) {
	if len(b) > smallRead {
		return p.r.ReadAt(b, off)
	}
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := 0
	for n < len(b) {
		if off >= p.size {
			return n, io.EOF
		}
		page, err := p.at(off / pageSize * pageSize)
		if err != nil {
			return n, err
		}
		k := copy(b[n:], page[off%pageSize:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// at gives the page that starts at start, whole unless the file ends in it.
func (p *pages) at(start int64) ([]byte, error) {
	for i, s := range p.start {
		if s == start {
			p.next = 1 - i
			return p.page[i][:min(pageSize, p.size-start)], nil
		}
	}
	i := p.next
	if p.page[i] == nil {
		p.page[i] = make([]byte, min(pageSize, p.size))
	}
	b := p.page[i][:min(pageSize, p.size-start)]
	p.start[i] = -1
	if n, err := p.r.ReadAt(b, start); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	p.start[i], p.next = start, 1-i
	return b, nil
}
