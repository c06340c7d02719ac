package views

import (
	"cmp"
	"io"
	"slices"
)

// A band is a box of a gathered tensor: some indices of one dimension, all of the dimensions inside it, and one index of
// each outside it, so that its bytes are a run of the view. Gathering element by element for each read of a transposed
// matrix would read the whole source again and again; a band is gathered in the source's order, so that each chunk of the
// source is read and checked once for a band, and a few bands are kept.
type band struct {
	tensor int
	index  int64
	data   []byte
}

const (
	bandBytes = 4 << 20 // wanted; a band of whole rows may be smaller
	keptBands = 4       // 16 MiB for each view that is being read
)

// banding says how a gathered tensor is cut into bands: along dimension dim, rows indices at a time.
type banding struct {
	dim        int
	inner      int64 // bytes of one index of dim
	rows       int64 // indices a band
	perOuter   int64 // bands for each combination of the outer indices
	outerBytes int64 // bytes of all indices of dim
}

func (x *Extent) banding() banding {
	b := banding{dim: len(x.Shape) - 1, inner: x.Item}
	if b.dim < 0 {
		return banding{dim: -1, inner: x.Item, rows: 1, perOuter: 1, outerBytes: x.Item}
	}
	for b.dim > 0 && b.inner*x.Shape[b.dim] <= bandBytes {
		b.inner *= x.Shape[b.dim]
		b.dim--
	}
	b.rows = min(max(1, bandBytes/b.inner), x.Shape[b.dim])
	b.perOuter = (x.Shape[b.dim] + b.rows - 1) / b.rows
	b.outerBytes = b.inner * x.Shape[b.dim]
	return b
}

// at gives the band that holds the byte at off, and the byte's place in it.
func (b banding) at(off int64) (index, place int64) {
	outer, rest := off/b.outerBytes, off%b.outerBytes
	within := rest / (b.rows * b.inner)
	return outer*b.perOuter + within, rest - within*b.rows*b.inner
}

// band finds or gathers one band of tensor i.
func (r *Reader) band(src io.ReaderAt, i int, cut banding, index int64) (*band, error) {
	r.mu.Lock()
	for _, b := range r.bands {
		if b.tensor == i && b.index == index {
			r.mu.Unlock()
			return b, nil
		}
	}
	r.mu.Unlock()
	x := &r.plan.Tensors[i]
	data, err := x.gather(src, cut, index)
	if err != nil {
		return nil, err
	}
	swap(data, int(x.Swap))
	b := &band{tensor: i, index: index, data: data}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bands = append(r.bands, b)
	if len(r.bands) > keptBands {
		r.bands = slices.Delete(r.bands, 0, len(r.bands)-keptBands)
	}
	return b, nil
}

// An axis is one dimension of a box: how many indices, and how far apart they lie in the source and in the band (bytes).
type axis struct{ n, step, out int64 }

// gather reads one band, the axis of the widest steps outermost.
func (x *Extent) gather(src io.ReaderAt, cut banding, index int64) ([]byte, error) {
	from, axes := x.box(cut, index)
	size := x.Item
	for _, a := range axes {
		size *= a.n
	}
	slices.SortStableFunc(axes, func(a, b axis) int { return cmp.Compare(max(b.step, -b.step), max(a.step, -a.step)) })
	g := &gathering{src: src, item: x.Item, out: make([]byte, size)}
	return g.out, g.walk(axes, from, 0)
}

// box gives the source offset of a band's first element and its axes.
func (x *Extent) box(cut banding, index int64) (from int64, axes []axis) {
	from = x.Source
	if cut.dim < 0 {
		return from, nil
	}
	outer, first := index/cut.perOuter, index%cut.perOuter*cut.rows
	for d := cut.dim - 1; d >= 0; d-- {
		from += outer % x.Shape[d] * x.Strides[d] * x.Item
		outer /= x.Shape[d]
	}
	from += first * x.Strides[cut.dim] * x.Item
	out := x.Item
	for d := len(x.Shape) - 1; d >= cut.dim; d-- {
		n := x.Shape[d]
		if d == cut.dim {
			n = min(cut.rows, n-first)
		}
		axes = append(axes, axis{n: n, step: x.Strides[d] * x.Item, out: out})
		out *= x.Shape[d]
	}
	return from, axes
}

// A gathering fills one band.
type gathering struct {
	src    io.ReaderAt
	item   int64
	out    []byte
	window []byte
}

// walk copies the elements under axes, the first of which is at source offset from and at place to in the band. Its depth
// is the number of axes, at most MaxRank.
func (g *gathering) walk(axes []axis, from, to int64) error {
	if len(axes) == 0 {
		return readFull(g.src, g.out[to:to+g.item], from)
	}
	a := axes[0]
	if len(axes) == 1 {
		return g.row(a, from, to)
	}
	for i := range a.n {
		if err := g.walk(axes[1:], from+i*a.step, to+i*a.out); err != nil {
			return err
		}
	}
	return nil
}

// windowBytes is the largest run of the source that is read at once to pick elements from.
const windowBytes = 256 << 10

// row copies the elements of the innermost axis by way of windows of the source.
func (g *gathering) row(a axis, from, to int64) error {
	if a.step == g.item && a.out == g.item {
		return readFull(g.src, g.out[to:to+a.n*g.item], from)
	}
	far := max(a.step, -a.step)
	batch := a.n
	if far > 0 {
		batch = min(a.n, max(1, (windowBytes-g.item)/far+1))
	}
	for i := int64(0); i < a.n; i += batch {
		n := min(batch, a.n-i)
		low := from + i*a.step
		if a.step < 0 {
			low += (n - 1) * a.step
		}
		size := (n-1)*far + g.item
		if int64(cap(g.window)) < size {
			g.window = make([]byte, size)
		}
		w := g.window[:size]
		if err := readFull(g.src, w, low); err != nil {
			return err
		}
		for k := range n {
			copy(g.out[to+(i+k)*a.out:][:g.item], w[from+(i+k)*a.step-low:])
		}
	}
	return nil
}

// swap reverses the bytes of each unit of n bytes.
func swap(b []byte, n int) {
	if n < 2 {
		return
	}
	for ; len(b) >= n; b = b[n:] {
		slices.Reverse(b[:n])
	}
}
