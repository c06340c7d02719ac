package spool

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// fill makes an entry's file and settles the entry. It runs on a goroutine of its own.
func (s *Spool) fill(ctx context.Context, e *entry, write Fill) {
	defer s.fills.Done()
	defer e.cancel()
	f, m, err := s.make(ctx, e.size, write)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = s.unchanged(e.key, m.Digest)
	}
	e.err = err
	if err != nil {
		if f != nil {
			f.Close()
		}
		s.used -= e.size
		s.forget(e)
		close(e.ready)
		return
	}
	e.file, e.manifest = f, m
	close(e.ready)
	if e.gone && e.refs == 0 { // everybody had left before the end came
		s.drop(e)
	}
}

// maxKnown bounds the memory of what keys inflated to.
const maxKnown = 10_000

// unchanged makes sure that a source inflates to the same bytes each time: the kernel may still hold pages of the first.
// Called with mu held.
func (s *Spool) unchanged(key Key, d integrity.Digest) error {
	before, ok := s.known[key]
	if ok && before != d {
		return fmt.Errorf("the source inflates to other bytes than before (SHA-256 %s, now %s): its worker or this machine is at fault", before.Short(), d.Short())
	}
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[key] = d
	return nil
}

// make writes a file of exactly size bytes, and names them in a Manifest while they pass.
func (s *Spool) make(ctx context.Context, size int64, write Fill) (*file, *integrity.Manifest, error) {
	s.cleared.Do(func() { _ = s.Clear() }) // what speaks against the folder is said when a file is made in it
	f, err := create(s.dir, size)
	if err != nil {
		ended, end := context.WithCancel(ctx)
		end()
		_ = writing(ended, write, io.Discard)
		return nil, nil, fmt.Errorf("spool: %w", err)
	}
	from, to := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writing(ctx, write, to)
		to.CloseWithError(err) // nil: io.EOF
		written <- err
	}()
	t := &through{from: from, file: f}
	m, err := integrity.Build(ctx, t, size, nil)
	if err != nil {
		from.CloseWithError(err)
	} else if n, more := from.Read(make([]byte, 1)); n > 0 || !errors.Is(more, io.EOF) {
		err = fmt.Errorf("more than the %d bytes that were said", size)
		from.CloseWithError(err)
	}
	failed := <-written // it has returned: nothing of it is left
	switch {
	case t.err != nil:
		err = fmt.Errorf("spool: writing to the disk: %w", t.err)
	case failed != nil && !errors.Is(failed, err):
		err = failed
	case errors.Is(err, integrity.ErrChanged):
		err = fmt.Errorf("fewer than the %d bytes that were said", size)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, m, nil
}

// writing calls write; a fault in it is its error.
func writing(ctx context.Context, write Fill, w io.Writer) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("spool: fault while inflating: %v", v)
		}
	}()
	return write(ctx, w)
}

// A through hands bytes on from a stream and writes them to a file on their way: integrity.Build hashes what was in memory,
// and not what a disk gives back. It serves reads in order alone.
type through struct {
	from io.Reader
	file *file
	next int64
	err  error // of the disk
}

// ReadAt implements io.ReaderAt.
func (t *through) ReadAt(p []byte, off int64) (int, error) {
	if off != t.next {
		return 0, fmt.Errorf("spool: bytes at %d wanted, expected %d", off, t.next)
	}
	n, err := io.ReadFull(t.from, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // as at the end of a file that is shorter than it was
	}
	if err != nil {
		return n, err
	}
	if _, t.err = t.file.WriteAt(p, off); t.err != nil {
		return 0, t.err
	}
	// The disk may begin: pages that it has can be dropped once they are read.
	_ = unix.SyncFileRange(int(t.file.Fd()), off, int64(n), unix.SYNC_FILE_RANGE_WRITE)
	t.next += int64(n)
	return n, nil
}
