package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"trustfs/integrity"
)

// A Key names content: which source, and what of it is inflated.
type Key struct {
	Source integrity.Digest
	Part   [sha256.Size]byte
}

// A Spool holds inflated content. It is safe for parallel use.
type Spool struct {
	dir string
	max int64 // bytes

	cleared sync.Once // before the first content is made

	mu      sync.Mutex
	entries map[Key]*entry
	used    int64            // bytes of all entries, those that are being filled too
	held    map[uint32]int64 // by user: bytes of the entries that he holds
	clock   uint64
	known   map[Key]integrity.Digest // what a key inflated to before: it must be the same again
	closed  bool
	fills   sync.WaitGroup
}

// An entry is one content, on its way or there.
type entry struct {
	key    Key
	size   int64
	ready  chan struct{}      // closed once file and manifest are there, or err
	cancel context.CancelFunc // of the filling

	// Written before ready is closed.
	err      error
	file     *file
	manifest *integrity.Manifest

	// Guarded by Spool.mu.
	refs int            // readers, and those who wait
	held map[uint32]int // of these, how many are a user's
	last uint64         // when it was last let go
	gone bool           // no longer in entries: the last reader closes it
}

// New makes a Spool of at most max bytes below dir. Nothing is touched there before the first content is made, or Clear.
func New(dir string, max int64) *Spool {
	return &Spool{dir: dir, max: max, entries: map[Key]*entry{}, held: map[uint32]int64{}, known: map[Key]integrity.Digest{}}
}

// Clear removes what a daemon that died at a bad moment has left in the Spool's folder. It is done before the first content
// is made, if not earlier. An error says that nothing can be made as long as the folder stays as it is.
func (s *Spool) Clear() error {
	d, err := private(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		defer d.Close()
		err = clearLeftovers(d)
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// Max is how many bytes the Spool may hold.
func (s *Spool) Max() int64 { return s.max }

var errClosed = errors.New("the spool is closed")

// Lookup gives the content that key names to user, if it is there. An error is a *FullError.
func (s *Spool) Lookup(key Key, user uint32) (*Content, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil || !e.settled() || e.err != nil {
		return nil, false, nil
	}
	if err := s.hold(e, user); err != nil {
		return nil, false, err
	}
	return newContent(s, e, user), true, nil
}

// A Fill writes content, all of it or an error. It is called once; where there is nowhere to write to, its context has ended
// by then.
type Fill func(ctx context.Context, w io.Writer) error

// Get gives user the content of size bytes that key names. If it is not there, it is made, once for all who want it at that time:
// begin, on the goroutine of the first of them, gives what writes it, on another. An error of that is everybody's. Who no
// longer waits gets ctx's error; when nobody does, the context of what writes ends, and the last one is told once that has
// ended. Where there is no room, or not for this user, the error is a *FullError, or wraps ENOSPC.
func (s *Spool) Get(ctx context.Context, key Key, size int64, user uint32, begin func() (Fill, error)) (*Content, error) {
	e, err := s.take(ctx, key, size, user, begin)
	if err != nil {
		return nil, err
	}
	select {
	case <-e.ready:
	case <-ctx.Done():
		if s.release(e, user) {
			<-e.ready // whoever asks and goes again and again has one worker at a time
		}
		return nil, ctx.Err()
	}
	if e.err != nil {
		s.release(e, user)
		return nil, e.err
	}
	return newContent(s, e, user), nil
}

// take finds the entry or begins to fill it, and counts the caller.
func (s *Spool) take(ctx context.Context, key Key, size int64, user uint32, begin func() (Fill, error)) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if e := s.entries[key]; e != nil {
		return e, s.hold(e, user)
	}
	if err := s.share(size, user); err != nil {
		return nil, err
	}
	if err := s.makeRoom(size); err != nil {
		return nil, err
	}
	fill, err := begin()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e := &entry{key: key, size: size, ready: make(chan struct{}), cancel: cancel, held: map[uint32]int{}}
	s.entries[key] = e
	s.used += size
	s.count(e, user)
	s.fills.Add(1)
	go s.fill(ctx, e, fill)
	return e, nil
}

// makeRoom lets go of what nobody reads, the longest unread first, until size bytes fit. Called with mu held.
func (s *Spool) makeRoom(size int64) error {
	idle := int64(0)
	for _, e := range s.entries {
		if e.refs == 0 {
			idle += e.size
		}
	}
	if size > s.max-(s.used-idle) || size < 0 {
		return &FullError{Size: size, Held: s.used - idle, Max: s.max}
	}
	for size > s.max-s.used {
		var oldest *entry
		for _, e := range s.entries {
			if e.refs == 0 && (oldest == nil || e.last < oldest.last) {
				oldest = e
			}
		}
		s.remove(oldest) // there is one: idle was counted under the same lock
	}
	return nil
}

// release ends one use of an entry by user, or by nobody. ended says that its filling was told to end.
func (s *Spool) release(e *entry, user uint32) (ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discount(e, user)
	s.clock++
	e.last = s.clock
	switch {
	case e.refs > 0:
	case !e.settled():
		e.cancel() // nobody waits for it any more
		s.forget(e)
		return true
	case e.gone:
		s.drop(e)
	}
	return false
}

// remove takes an entry out; it is closed when its last reader goes. Called with mu held.
func (s *Spool) remove(e *entry) {
	s.forget(e)
	if e.refs == 0 && e.settled() {
		s.drop(e)
	}
}

// forget makes sure that nobody finds an entry any more. Called with mu held.
func (s *Spool) forget(e *entry) {
	e.gone = true
	if s.entries[e.key] == e {
		delete(s.entries, e.key)
	}
}

// drop frees an entry that nobody uses. Called with mu held, once.
func (s *Spool) drop(e *entry) {
	if e.file == nil {
		return
	}
	e.file.Close()
	e.file = nil
	s.used -= e.size
}

// settled says that an entry is filled, or has failed.
func (e *entry) settled() bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// Close lets everything go that nobody reads, and ends what is being filled. Readers keep what they have open.
func (s *Spool) Close() {
	s.mu.Lock()
	s.closed = true
	for _, e := range s.entries {
		e.cancel()
	}
	s.mu.Unlock()
	s.fills.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		s.remove(e)
	}
}
