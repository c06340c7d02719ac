package jail

import "os"

// slot is one cgroup v2 leaf, used by one worker at a time.
type slot struct{ dir *os.File }

// cgroups hands out leaves; a nil *cgroups has none.
type cgroups struct{ free chan *slot }

func (c *cgroups) take() *slot {
	if c == nil {
		return nil
	}
	return <-c.free
}

func (c *cgroups) give(s *slot) {
	if c != nil && s != nil {
		c.free <- s
	}
}
