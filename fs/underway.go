package fs

import (
	"context"
	"sync"

	"trustfs/integrity"
)

// underWay knows which judgements run. Who wants one that runs already waits for its end without a place of his own: who
// opens one large file again and again would otherwise fill his share with it. The zero value knows of none.
type underWay struct {
	mu   sync.Mutex
	runs map[workKey]*run
}

// A workKey is what a judgement is about: a version, and the path or the view that it is judged as.
type workKey struct {
	id   integrity.Identity
	name string
}

type run struct {
	done    chan struct{}
	waiting int // guarded by underWay.mu
}

// await waits for the end of what runs for key, once: whoever comes back asks for himself.
func (u *underWay) await(ctx context.Context, key workKey) error {
	u.mu.Lock()
	r := u.runs[key]
	if r == nil {
		u.mu.Unlock()
		return nil
	}
	r.waiting++
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		r.waiting--
		u.mu.Unlock()
	}()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wanted says whether somebody waits for the end of what runs for key.
func (u *underWay) wanted(key workKey) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.runs[key]
	return r != nil && r.waiting > 0
}

// begin notes that work for key runs, until end is called. Where some runs already, that stays what others wait for.
func (u *underWay) begin(key workKey) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.runs[key] != nil {
		return func() {}
	}
	if u.runs == nil {
		u.runs = map[workKey]*run{}
	}
	r := &run{done: make(chan struct{})}
	u.runs[key] = r
	return func() {
		u.mu.Lock()
		delete(u.runs, key)
		u.mu.Unlock()
		close(r.done)
	}
}
