package fs

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSaidSeldom(t *testing.T) {
	var s seldom
	start := time.Unix(1000, 0)
	for i, c := range []struct {
		after    time.Duration
		line     string
		repeated int
		due      bool
	}{
		{0, "a", 0, true},
		{0, "a", 0, false},
		{0, "b", 0, true},
		{saidAgain - 1, "a", 0, false},
		{saidAgain, "a", 2, true},
		{saidAgain, "a", 0, false},
		{3 * saidAgain, "b", 0, true},
	} {
		if repeated, due := s.due(start.Add(c.after), c.line); repeated != c.repeated || due != c.due {
			t.Errorf("step %d: %d, %v", i, repeated, due)
		}
	}
	for i := range 3 * saidMost {
		s.due(start, strconv.Itoa(i))
	}
	if len(s.said) > saidMost {
		t.Errorf("it remembers %d lines", len(s.said))
	}
}

// Who tries the same again and again does not fill the log.
func TestRefusalsInALoop(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"fifo", "other"} {
		if err := unix.Mkfifo(r.dir+"/"+name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r.link("../out", "away")
	for range 20 {
		for _, name := range []string{"fifo", "other", "away"} {
			_, err := readFileRaw(r.in(name))
			wantErrno(t, name, err, unix.EACCES)
		}
	}
	if n := strings.Count(r.log.String(), "not a regular file"); n != 2 {
		t.Errorf("%d lines of two special files", n)
	}
	if _, traversals, _ := r.gate.told(); len(traversals) != 1 {
		t.Errorf("told of %d traversals of one link", len(traversals))
	}
}
