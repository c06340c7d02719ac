package fs

import (
	"slices"
	"sync"
)

// Claims remembers the names of views that several sources claim, and that are not shown for it, as far as they were met.
// The zero value is ready.
type Claims struct {
	mu    sync.Mutex
	names map[string]bool // paths in the tree
}

// maxClaims bounds the memory.
const maxClaims = 1000

// Names lists them, sorted.
func (c *Claims) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.names))
	for n := range c.names {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// note says whether the view at path is claimed more than once; news is true when it was not known to be.
func (c *Claims) note(path string, claimed bool) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !claimed {
		delete(c.names, path)
		return false
	}
	if c.names[path] || len(c.names) >= maxClaims {
		return false
	}
	if c.names == nil {
		c.names = map[string]bool{}
	}
	c.names[path] = true
	return true
}
