package spool

import (
	"errors"
	"fmt"
	"sync"

	"trustfs/integrity"
)

// Content is inflated bytes that somebody reads. It is safe for parallel use until it is closed.
type Content struct {
	Claim
	reader *integrity.Reader
}

// A Claim keeps content in the spool, and counts for one user's share of it, until it is closed.
type Claim struct {
	spool *Spool
	entry *entry
	user  uint32
	once  sync.Once
}

// Close gives the claim up. The spool keeps what nobody claims as long as there is room.
func (c *Claim) Close() error {
	c.once.Do(func() { c.spool.release(c.entry, c.user) })
	return nil
}

// newContent gives an entry that was counted for user.
func newContent(s *Spool, e *entry, user uint32) *Content {
	return &Content{Claim: Claim{spool: s, entry: e, user: user}, reader: integrity.NewReader(e.file, e.manifest)}
}

// Part takes out of open content what it counts for its user. The content stays open, for whoever has a claim. It is called
// once, before the content has any other user.
func (c *Content) Part() *Claim {
	s := c.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(c.entry, nobody)
	own := &Claim{spool: s, entry: c.entry, user: c.user}
	c.user = nobody
	return own
}

// A DamageError says that the disk no longer holds what was inflated. The source is not to blame.
type DamageError struct {
	// Offset is of the chunk, in bytes of the inflated content; Expected and Actual are as in integrity.TamperError.
	Offset           int64
	Expected, Actual string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("inflated bytes at offset %d changed on the disk: expected BLAKE3 %s, found %s", e.Offset, e.Expected, e.Actual)
}

// ReadAt implements io.ReaderAt. Every byte is checked. Bytes that are not those that were inflated are a *DamageError, and
// the content is inflated again for the next who wants it.
func (c *Content) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.reader.ReadAt(p, off)
	if t, ok := errors.AsType[*integrity.TamperError](err); ok {
		c.spool.mu.Lock()
		c.spool.remove(c.entry)
		c.spool.mu.Unlock()
		return n, &DamageError{Offset: t.Offset, Expected: t.Expected, Actual: t.Actual}
	}
	return n, err
}

// Size is how many bytes there are.
func (c *Content) Size() int64 { return c.entry.size }
