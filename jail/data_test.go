package jail

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"trustfs/jail/wire"
)

type dataRequest struct {
	Bytes int
	End   string
}

// What a task sends ahead of its answer arrives whole, and counts only with a good answer after it.
func TestRunTakesData(t *testing.T) {
	p := newTestPool(t, nil)
	const n = 3<<20 + 77
	want := make([]byte, n)
	for i := range want {
		want[i] = byte(i * 7)
	}
	for _, c := range []struct {
		end  string
		size int64
		err  string // empty: none
	}{
		{"", n, ""},
		{"", n + 5, ""}, // fewer than allowed: the caller knows how many it wants
		{"", n - 1, "protocol: answer claims"},
		{"", 0, "protocol: answer claims"},
		{"fail", n, "told to"},
		{"crash", n, "crashed"},
		{"huge frame", n + 5<<20, "protocol: answer claims 1048577 bytes"},
		{"cut frame", n + 100, "crashed"},
		{"empty frames", n + 100, "more frames of data than bytes warrant"},
	} {
		job := testJob(t, "data", dataRequest{n, c.end})
		var got bytes.Buffer
		job.Output, job.OutputSize = &got, c.size
		answer, err := p.Run(t.Context(), job)
		switch {
		case c.err == "" && (err != nil || string(answer) != "3145805" || !bytes.Equal(got.Bytes(), want)):
			t.Errorf("%+v: %q, %d bytes, %v", c, answer, got.Len(), err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%+v: %v", c, err)
		}
		if int64(got.Len()) > c.size {
			t.Errorf("%+v: %d bytes came through", c, got.Len())
		}
	}
}

type sink struct{ err error }

func (s sink) Write([]byte) (int, error) { return 0, s.err }

// A sink that fails is not the worker's fault, whatever its error wraps, and ends the job.
func TestRunOfAFailingSink(t *testing.T) {
	p := newTestPool(t, nil)
	for _, failure := range []error{errors.New("no space left"), wire.ErrNoData, errClosed} {
		job := testJob(t, "data", dataRequest{Bytes: 5 << 20})
		job.Output, job.OutputSize = sink{failure}, 5<<20
		_, err := p.Run(t.Context(), job)
		if w, blamed := errors.AsType[*WorkerError](err); blamed || !errors.Is(err, failure) {
			t.Errorf("%v: %v, worker %v", failure, err, w)
		}
	}
}
