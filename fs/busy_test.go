package fs

import (
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSecondStaleIsARefusal(t *testing.T) {
	var r restless
	for i, c := range []struct {
		tid  uint32
		path string
		err  error
		want error
	}{
		{1, "a", syscall.ESTALE, syscall.ESTALE},
		{2, "a", syscall.ESTALE, syscall.ESTALE}, // another thread
		{1, "b", syscall.ESTALE, syscall.ESTALE}, // another file
		{1, "b", syscall.ESTALE, errBusy},
		{1, "b", syscall.ESTALE, syscall.ESTALE}, // the next open
		{1, "b", nil, nil},
		{1, "b", syscall.ESTALE, syscall.ESTALE},
		{1, "b", syscall.EACCES, syscall.EACCES},
		{2, "a", syscall.ESTALE, errBusy},
		{0, "a", syscall.ESTALE, syscall.ESTALE}, // somebody of another pid namespace
		{0, "a", syscall.ESTALE, syscall.ESTALE}, // somebody else
	} {
		if got := r.settle(c.tid, c.path, c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
	if errnoOf(errBusy, unix.EACCES) != 13 {
		t.Error("busy is not EACCES")
	}
	for tid := range uint32(3 * restlessMost) {
		_ = r.settle(tid, "x", syscall.ESTALE)
	}
	if len(r.sent) > restlessMost {
		t.Errorf("it remembers %d threads", len(r.sent))
	}
}
