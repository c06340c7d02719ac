package archive

import (
	"errors"
	"hash/crc32"
	"io"

	"trustfs/formats"
)

// Bounds of what an inflated member keeps in memory. The analysing worker lives in about 96 MiB, and containers nest.
const (
	keepWhole  = 16 << 20  // members up to this size are kept whole; halved for each container around
	keepHead   = 1 << 20   // of larger ones the beginning is kept, which every inspector's detection reads,
	keepTail   = 1 << 20   // and the end, where zip archives have their directory,
	windowSize = 256 << 10 // and the bytes just read
)

// Inflated gives random access to the output of a decompressor. Reading forward is one decompression; a step back
// further than the window starts again from the beginning, at the cost of the budget.
// It serves one goroutine.
type Inflated struct {
	c      *formats.Context
	where  string
	packed int64
	open   opener

	size    int64
	crc     uint32
	err     error // why the output ends at size, nil for a proper end
	used    int64 // compressed bytes that the first pass consumed, -1 if the decompressor does not tell
	head    []byte
	tail    []byte
	tailOff int64

	cur    io.Reader
	curOff int64
	win    []byte
	winOff int64
}

// An opener starts a fresh decompressor at the beginning of the packed bytes. used tells how many of them it has taken;
// nil where the decompressor does not tell.
type opener func() (r io.Reader, used func() int64, err error)

// newInflated decompresses once, to learn the size, and keeps what fits.
func newInflated(c *formats.Context, s *formats.Source, where string, packed int64, open opener) *Inflated {
	d := &Inflated{c: c, where: where, packed: packed, open: open, used: -1}
	limit := max(keepWhole>>min(s.Depth, 30), keepHead)
	r, used, err := d.start()
	if err != nil {
		d.err = err
		return d
	}
	d.measure(r, limit)
	if used != nil {
		d.used = used()
	}
	release(r)
	return d
}

// release gives back what a decompressor holds, where it can.
func release(r io.Reader) {
	if m, ok := r.(*meter); ok {
		if cl, ok := m.r.(io.Closer); ok {
			_ = cl.Close() // read to the end or given up: nothing is left to report
		}
	}
}

func (d *Inflated) start() (io.Reader, func() int64, error) {
	r, used, err := d.open()
	if err != nil {
		return nil, nil, err
	}
	return &meter{r: r, c: d.c, where: d.where, packed: d.packed}, used, nil
}

// measure is the first pass. What a broken stream gave before it broke counts: a loader that reads a pickle from it
// has run that much of it.
func (d *Inflated) measure(r io.Reader, limit int) {
	buf := make([]byte, min(64<<10, max(512, 8*d.packed)))
	var last []byte // the output's end, never more than twice keepTail long
	for {
		n, err := r.Read(buf)
		d.crc = crc32.Update(d.crc, crc32.IEEETable, buf[:n])
		if d.size == int64(len(d.head)) {
			d.head = append(d.head, buf[:n]...)
			if len(d.head) > limit { // too large to keep whole
				last = append(last, d.head[max(0, len(d.head)-keepTail):]...)
				d.head = append([]byte(nil), d.head[:keepHead]...)
			}
		} else {
			last = append(last, buf[:n]...)
			if len(last) > 2*keepTail {
				last = append(last[:0], last[len(last)-keepTail:]...)
			}
		}
		d.size += int64(n)
		if err != nil {
			if err != io.EOF {
				d.err = err
			}
			break
		}
	}
	d.tail, d.tailOff = last, d.size-int64(len(last))
}

// Size is the length of the output, in bytes.
func (d *Inflated) Size() int64 { return d.size }

// Err says why the output ends where it does; nil where the decompressor reached its proper end.
func (d *Inflated) Err() error { return d.err }

// ReadAt implements io.ReaderAt.
func (d *Inflated) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= d.size {
			return n, io.EOF
		}
		k := d.copyKept(p[n:], at)
		if k == 0 {
			if err := d.advance(at); err != nil {
				return n, err
			}
		}
		n += k
	}
	return n, nil
}

// copyKept copies what memory holds of the bytes at off.
func (d *Inflated) copyKept(p []byte, off int64) int {
	for _, part := range []struct {
		b   []byte
		off int64
	}{{d.head, 0}, {d.tail, d.tailOff}, {d.win, d.winOff}} {
		if i := off - part.off; i >= 0 && i < int64(len(part.b)) {
			return copy(p, part.b[i:])
		}
	}
	return 0
}

// advance brings off into the window.
func (d *Inflated) advance(off int64) error {
	if d.cur == nil || off < d.curOff {
		release(d.cur)
		r, _, err := d.start()
		if err != nil {
			return err
		}
		d.cur, d.curOff, d.win, d.winOff = r, 0, make([]byte, 0, 2*windowSize), 0
	}
	for off >= d.curOff {
		if len(d.win) == cap(d.win) { // keep the newer half
			k := copy(d.win, d.win[len(d.win)-windowSize:])
			d.win, d.winOff = d.win[:k], d.curOff-int64(k)
		}
		n, err := d.cur.Read(d.win[len(d.win):cap(d.win)])
		d.win = d.win[:len(d.win)+n]
		d.curOff += int64(n)
		if err != nil && off >= d.curOff {
			release(d.cur)
			d.cur = nil
			if err == io.EOF {
				err = io.ErrUnexpectedEOF // the first pass went further
			}
			return err
		}
	}
	return nil
}
