package policy

import (
	"sync"
	"sync/atomic"
)

// A Holder keeps the policy in force while its files change. A new version that does not compile leaves the old one in
// force, and says so until it is mended.
type Holder struct {
	files []string
	query string

	current atomic.Pointer[Policy]
	mu      sync.Mutex // one reload at a time; guards err
	err     error
}

// Hold loads a policy for the first time: here an error stops the start.
func Hold(files []string, query string) (*Holder, error) {
	p, err := Load(files, query)
	if err != nil {
		return nil, err
	}
	h := &Holder{files: files, query: query}
	h.current.Store(p)
	return h, nil
}

// Policy is the one in force.
func (h *Holder) Policy() *Policy { return h.current.Load() }

// Reload reads the files again. changed says that another policy is in force now; on an error the old one still is.
func (h *Holder) Reload() (changed bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, err := Load(h.files, h.query)
	if h.err = err; err != nil {
		return false, err
	}
	if p.Epoch() == h.Policy().Epoch() {
		return false, nil
	}
	p.Timeout = h.Policy().Timeout
	h.current.Store(p)
	return true, nil
}

// Err is why the files' present content is not in force; nil when it is.
func (h *Holder) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
