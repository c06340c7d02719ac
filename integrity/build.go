package integrity

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"
)

// passBuffer is what one read of the pass asks for. Two buffers are in flight: while one is hashed, the next is read.
const passBuffer = 8 * ChunkSize

// Build makes the Manifest of the size bytes of r in one pass. SHA-256 runs on the calling goroutine, leaves and reading
// beside it, so that on two cores a pass takes about as long as SHA-256 alone. progress, if not nil, is told the bytes
// done so far. A file that is shorter than size gives ErrChanged; bytes beyond size are the caller's to notice (by
// comparing identities before and after).
func Build(ctx context.Context, r io.ReaderAt, size int64, progress func(done int64)) (*Manifest, error) {
	m := &Manifest{Size: size, leaves: make([]byte, chunks(size)*leafSize)}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	blocks := readAhead(ctx, r, size, m)
	h := sha256.New()
	var done int64
	for b := range blocks {
		if b.err != nil {
			return nil, b.err
		}
		h.Write(b.data)
		done += int64(len(b.data))
		b.release()
		if progress != nil {
			progress(done)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if done != size {
		return nil, ErrChanged
	}
	h.Sum(m.Digest[:0])
	return m, nil
}

// OfBytes makes the Manifest of bytes in memory, which nobody changes meanwhile.
func OfBytes(b []byte) *Manifest {
	m := &Manifest{Size: int64(len(b)), Digest: sha256.Sum256(b)}
	m.leaves = make([]byte, chunks(m.Size)*leafSize)
	fillLeaves(m, b, 0)
	return m
}

// ReadWhole reads the size bytes of r; fewer give ErrChanged.
func ReadWhole(r io.ReaderAt, size int64) ([]byte, error) {
	b := make([]byte, size)
	return b, readFull(r, b, 0)
}

type block struct {
	data    []byte
	err     error
	release func()
}

var passPool = sync.Pool{New: func() any { b := make([]byte, passBuffer); return &b }}

// readAhead reads blocks in order on its own goroutine, fills m's leaves, and closes the channel at the end or when ctx
// is done.
func readAhead(ctx context.Context, r io.ReaderAt, size int64, m *Manifest) <-chan block {
	out := make(chan block, 2)
	go func() {
		defer close(out)
		for off := int64(0); off < size; off += passBuffer {
			if ctx.Err() != nil {
				return
			}
			buf := passPool.Get().(*[]byte)
			data := (*buf)[:min(passBuffer, size-off)]
			b := block{data: data, release: func() { passPool.Put(buf) }}
			if b.err = readFull(r, data, off); b.err == nil {
				fillLeaves(m, data, off/ChunkSize)
			}
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return out
}

func fillLeaves(m *Manifest, data []byte, first int64) {
	for i := first; len(data) > 0; i++ {
		n := min(ChunkSize, len(data))
		leaf := leafOf(data[:n])
		copy(m.leaf(i), leaf[:])
		data = data[n:]
	}
}
