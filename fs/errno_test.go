package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"trustfs/internal/beneath"
)

func TestErrnoOf(t *testing.T) {
	for _, c := range []struct {
		err     error
		unknown syscall.Errno
		want    syscall.Errno
	}{
		{nil, syscall.EACCES, 0},
		{syscall.ENOENT, syscall.EACCES, syscall.ENOENT},
		{fmt.Errorf("x: %w", syscall.ENOENT), syscall.EACCES, syscall.ENOENT},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ESTALE}, syscall.EACCES, syscall.ESTALE},
		{errors.Join(errors.New("first"), syscall.ENODATA), syscall.EACCES, syscall.ENODATA},
		{errors.Join(syscall.ENOSYS, syscall.ENOENT), syscall.EACCES, syscall.EACCES},
		{syscall.ENOSYS, syscall.EACCES, syscall.EACCES},
		{fmt.Errorf("x: %w", syscall.ENOSYS), syscall.ENOSYS, syscall.EACCES},
		{errors.New("unknown"), syscall.ENOSYS, syscall.EACCES},
		{errors.New("unknown"), 0, syscall.EACCES},
		{errors.New("unknown"), syscall.EIO, syscall.EIO},
		{os.ErrPermission, syscall.EACCES, syscall.EACCES},
		{syscall.EPERM, syscall.EACCES, syscall.EACCES},
		{syscall.EXDEV, syscall.EACCES, syscall.EACCES},
		{syscall.EMFILE, syscall.EIO, syscall.EIO},
		{syscall.Errno(0), syscall.EACCES, syscall.EACCES},
		{context.Canceled, syscall.EACCES, syscall.EINTR},
		{fmt.Errorf("x: %w", errInterrupted), syscall.EACCES, syscall.EINTR},
		{fmt.Errorf("%w: x", errNoRoom), syscall.EACCES, syscall.ENOSPC},
		{syscall.ENOSPC, syscall.EACCES, syscall.EACCES},
		{context.DeadlineExceeded, syscall.EACCES, syscall.EACCES},
		{beneath.ErrNotRegular, syscall.EACCES, syscall.EACCES},
	} {
		if got := errnoOf(c.err, c.unknown); got != fuse.Status(c.want) {
			t.Errorf("errnoOf(%v, %v) = %v, want %v", c.err, c.unknown, got, c.want)
		}
	}
}

// Every errno there is, as itself and wrapped: none becomes ENOSYS, and none that is an error becomes OK.
func TestErrnoIsTotal(t *testing.T) {
	for e := syscall.Errno(0); e < 4096; e++ {
		for _, err := range []error{e, fmt.Errorf("x: %w", e), errors.Join(e, errors.New("y"))} {
			for _, unknown := range []syscall.Errno{0, syscall.EACCES, syscall.EIO, e} {
				if got := errnoOf(err, unknown); got == fuse.ENOSYS || got == fuse.OK {
					t.Fatalf("errnoOf(%v, %v) = %v", err, unknown, got)
				}
			}
		}
	}
}
