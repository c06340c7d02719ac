package inside

import (
	"io"
	"sync"
)

// Checked reads an input's judged bytes and remembers the first read that failed otherwise than by the end of the file.
type Checked struct {
	r io.ReaderAt // an integrity.Reader, or bytes that the parent has sent

	mu  sync.Mutex
	err error // guarded by mu
}

// ReadAt implements io.ReaderAt.
func (c *Checked) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	if err != nil && err != io.EOF && off >= 0 {
		c.mu.Lock()
		if c.err == nil {
			c.err = err
		}
		c.mu.Unlock()
	}
	return n, err
}

// Err is the first failed read, nil if there was none.
func (c *Checked) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
