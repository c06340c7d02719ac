//go:build !lean

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// An error of the disk that is met on the way is not met again by the sync at the end: it must not be passed over.
func TestSettle(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 3*convertChunk)); err != nil {
		t.Fatal(err)
	}
	if err := settle(int(f.Fd()), convertChunk, convertChunk); err != nil {
		t.Errorf("a range that can be written: %v", err)
	}
	pipe := make([]int, 2)
	if err := unix.Pipe2(pipe, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if err := settle(pipe[1], 0, convertChunk); !errors.Is(err, unix.ESPIPE) {
		t.Errorf("what cannot be synced: %v", err)
	}
}
