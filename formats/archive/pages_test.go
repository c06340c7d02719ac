package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

type reads struct {
	r io.ReaderAt
	n int
}

func (r *reads) ReadAt(p []byte, off int64) (int, error) {
	r.n++
	return r.r.ReadAt(p, off)
}

func TestPagesReadTheSameBytes(t *testing.T) {
	data := make([]byte, 3*pageSize+1000)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	s := paged(archivetest.Source(data))
	for _, off := range []int64{0, 5, pageSize - 3, pageSize, 3 * pageSize, 10, 3*pageSize + 990, 2*pageSize - 8, int64(len(data)) - 1, int64(len(data)), int64(len(data)) + 5} {
		for _, n := range []int{0, 1, 10, smallRead, smallRead + 1} {
			got, want := make([]byte, n), make([]byte, n)
			k, err := s.R.ReadAt(got, off)
			k2, err2 := bytes.NewReader(data).ReadAt(want, off)
			if k != k2 || !bytes.Equal(got[:k], want[:k2]) || n > 0 && (err == nil) != (err2 == nil) {
				t.Errorf("%d bytes at %d: %d, %v; want %d, %v", n, off, k, err, k2, err2)
			}
		}
	}
}

// A directory of many members costs reads of its pages, not of its records.
func TestRecordsAreReadInPages(t *testing.T) {
	z := zipOf{}
	for i := range 500 {
		z.Files = append(z.Files, file{Name: fmt.Sprint("member", i), Data: []byte("x"), Descriptor: true})
	}
	b := z.Bytes()
	in := &reads{r: bytes.NewReader(b)}
	c := (&archivetest.Recorder{}).Context()
	Inspector{}.Inspect(c, &formats.Source{R: in, Size: int64(len(b))})
	if in.n > 10 || len(c.Result.Findings) > 0 {
		t.Errorf("%d reads for %d bytes, findings %v", in.n, len(b), c.Result.Findings)
	}
}

type broken struct{ at int64 }

func (r broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > r.at {
		return 0, errors.New("tampered")
	}
	return len(p), nil
}

func TestPagesPassErrorsOn(t *testing.T) {
	s := paged(&formats.Source{R: broken{pageSize}, Size: 2 * pageSize})
	b := make([]byte, 10)
	if _, err := s.R.ReadAt(b, 0); err != nil {
		t.Error(err)
	}
	for range 2 { // also where a page was asked for before
		if _, err := s.R.ReadAt(b, pageSize); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("error %v, want the reader's own", err)
		}
	}
}
