package integrity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// A TamperError says that a chunk of a file is not the chunk that was judged.
type TamperError struct {
	Offset   int64  // of the chunk, in bytes
	Expected string // first 16 hexadecimal digits of the BLAKE3 leaf that was judged
	Actual   string // the same of what is there now; "short" when the file ends inside the chunk
}

func (e *TamperError) Error() string {
	return fmt.Sprintf("bytes at offset %d changed after they were judged: expected BLAKE3 %s, found %s",
		e.Offset, e.Expected, e.Actual)
}

// A Reader reads the bytes that a Manifest names, and nothing else. It is safe for parallel use.
//
// Each chunk is read into memory that no other process can write, checked there, and handed out from there; there is no
// second read between the check and the use.
type Reader struct {
	src io.ReaderAt
	m   *Manifest

	id uint64 // names the reader among the recently checked chunks
}

// NewReader returns a Reader over src for the bytes that m names.
func NewReader(src io.ReaderAt, m *Manifest) *Reader {
	return &Reader{src: src, m: m, id: readers.Add(1)}
}

var readers atomic.Uint64

// Size is the judged size in bytes.
func (r *Reader) Size() int64 { return r.m.Size }

// Manifest names the bytes that the reader hands out.
func (r *Reader) Manifest() *Manifest { return r.m }

// ReadAt implements io.ReaderAt. A difference from the judged bytes is a *TamperError, and then no byte of the chunk in
// question is in p; n counts the checked bytes before it.
func (r *Reader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("integrity: negative offset")
	}
	if off >= r.m.Size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), r.m.Size-off)]
	for n < len(want) {
		k, err := r.readChunk(want[n:], off+int64(n))
		n += k
		if err != nil {
			clear(want[n:])
			return n, err
		}
	}
	if len(want) < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readChunk serves the part of p that lies in the chunk at off.
func (r *Reader) readChunk(p []byte, off int64) (int, error) {
	index := off / ChunkSize
	start := index * ChunkSize
	length := min(ChunkSize, r.m.Size-start)
	if off == start && int64(len(p)) >= length {
		if err := r.fetch(p[:length], index); err != nil { // a whole chunk is checked in the caller's own memory
			return 0, err
		}
		return int(length), nil
	}
	key := chunkKey{r.id, index}
	if n, ok := recent.copy(p, key, off-start); ok {
		return n, nil
	}
	defer recent.landed(key)
	// No lock is held while the chunk is read and checked: parallel faults must not wait for each other's disk.
	buf := chunkPool.Get().(*[ChunkSize]byte)
	data := buf[:length]
	if err := r.fetch(data, index); err != nil {
		chunkPool.Put(buf)
		return 0, err
	}
	n := copy(p, data[off-start:])
	recent.keep(key, buf, length)
	return n, nil
}

// fetch reads chunk index into buf, which must be private memory of the chunk's length, and checks it there.
func (r *Reader) fetch(buf []byte, index int64) error {
	off := index * ChunkSize
	expected := hex.EncodeToString(r.m.leaf(index)[:8])
	if err := readFull(r.src, buf, off); err != nil {
		if errors.Is(err, ErrChanged) {
			return &TamperError{Offset: off, Expected: expected, Actual: "short"}
		}
		return err
	}
	leaf := leafOf(buf)
	if string(leaf[:]) == string(r.m.leaf(index)) {
		return nil
	}
	clear(buf)
	return &TamperError{Offset: off, Expected: expected, Actual: hex.EncodeToString(leaf[:8])}
}
