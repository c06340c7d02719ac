package integrity

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// slowSource counts the reads of a source, each of which waits until it may go on.
type slowSource struct {
	io.ReaderAt
	reads atomic.Int32
	goOn  chan error // an error instead of bytes, if not nil
}

func (s *slowSource) ReadAt(p []byte, off int64) (int, error) {
	s.reads.Add(1)
	if err := <-s.goOn; err != nil {
		return 0, err
	}
	return s.ReaderAt.ReadAt(p, off)
}

// Readers of parts of one chunk at the same time cost one check; where it fails, the next of them tries for itself.
func TestPartsOfOneChunkAtOnce(t *testing.T) {
	const readers = 5
	b := bytes.Repeat([]byte{1, 2, 3, 5, 7, 11, 13}, ChunkSize/7+1)[:ChunkSize]
	m := OfBytes(b)
	broken := errors.New("the disk is broken")
	for _, first := range []error{nil, broken} {
		synctest.Test(t, func(t *testing.T) {
			src := &slowSource{ReaderAt: bytes.NewReader(b), goOn: make(chan error)}
			r := NewReader(src, m)
			var failed atomic.Int32
			var wait sync.WaitGroup
			for i := range int64(readers) {
				wait.Go(func() {
					p := make([]byte, 100)
					if _, err := r.ReadAt(p, 1000*i); errors.Is(err, broken) {
						failed.Add(1)
					} else if err != nil || !bytes.Equal(p, b[1000*i:1000*i+100]) {
						t.Errorf("reader %d: %v", i, err)
					}
				})
			}
			synctest.Wait() // one reads, the others wait for it
			if got := src.reads.Load(); got != 1 {
				t.Errorf("%d reads of one chunk", got)
			}
			src.goOn <- first
			want := int32(1)
			if first != nil {
				want = 2
				src.goOn <- nil
			}
			wait.Wait()
			if got := src.reads.Load(); got != want || failed.Load() != want-1 {
				t.Errorf("after %v: %d reads, %d readers failed", first, got, failed.Load())
			}
		})
	}
}
