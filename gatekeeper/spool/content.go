package spool

import (
	"errors"
	"fmt"
	"sync"

	"trustfs/integrity"
)

// Content is inflated bytes that somebody reads. It is safe for parallel use until it is closed.
type Content struct {
	spool  *Spool
	entry  *entry
	reader *integrity.Reader
	once   sync.Once
}

func newContent(s *Spool, e *entry) *Content {
	return &Content{spool: s, entry: e, reader: integrity.NewReader(e.file, e.manifest)}
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

// Close lets the content go. The spool keeps it as long as there is room.
func (c *Content) Close() error {
	c.once.Do(func() { c.spool.release(c.entry) })
	return nil
}
