package views

import (
	"errors"
	"io"
	"sort"
	"sync"
)

// A Reader serves the bytes of a view. It is safe for parallel use.
type Reader struct {
	plan    *Plan
	source  io.ReaderAt   // the verified reader of the source
	members []io.ReaderAt // one for each Member, verified too

	mu    sync.Mutex
	bands []*band // recently gathered, the latest last; guarded by mu
}

// NewReader makes a Reader of a Plan that Validate accepted. members holds a reader for each of the plan's Members.
func NewReader(p *Plan, source io.ReaderAt, members []io.ReaderAt) (*Reader, error) {
	if len(members) != len(p.Members) {
		return nil, errors.New("view: a reader for each member is needed")
	}
	return &Reader{plan: p, source: source, members: members}, nil
}

// Size is the view's size in bytes.
func (r *Reader) Size() int64 { return r.plan.Size }

// ReadAt implements io.ReaderAt. A difference between the source and what was judged is the source reader's error
// (*integrity.TamperError), and no byte of it is handed out.
func (r *Reader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("view: negative offset")
	}
	if off >= r.plan.Size {
		return 0, io.EOF
	}
	short := off+int64(len(p)) > r.plan.Size
	if short {
		p = p[:r.plan.Size-off]
	}
	head := int64(len(r.plan.Header))
	if off < head {
		n = copy(p, r.plan.Header[off:])
	}
	ts := r.plan.Tensors
	at := off + int64(n)
	for i := sort.Search(len(ts), func(i int) bool { return ts[i].At+ts[i].Len > at }); n < len(p); i++ {
		at := off + int64(n)
		x := &ts[i]
		k := int(min(int64(len(p)-n), x.At+x.Len-at))
		if err := r.readTensor(p[n:n+k], i, at-x.At); err != nil {
			clear(p[n:])
			return n, err
		}
		n += k
	}
	if short {
		return n, io.EOF
	}
	return n, nil
}

// readTensor fills p from offset off of tensor i.
func (r *Reader) readTensor(p []byte, i int, off int64) error {
	x := &r.plan.Tensors[i]
	src := r.source
	if x.Member > 0 {
		src = r.members[x.Member-1]
	}
	if x.Shape == nil {
		return readFull(src, p, x.Source+off)
	}
	cut := x.banding()
	for n := 0; n < len(p); {
		index, place := cut.at(off + int64(n))
		b, err := r.band(src, i, cut, index)
		if err != nil {
			return err
		}
		n += copy(p[n:], b.data[place:])
	}
	return nil
}

func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
