package gatekeeper

import (
	"context"
	"sync"
)

// flights lets concurrent callers of one key share one judgement. It is x/sync/singleflight with one difference that the
// gate needs: whether a caller leads is known before do returns, so that the leader's descriptor is duplicated while its
// caller still holds it, and nobody else's is.
type flights struct {
	mu    sync.Mutex
	calls map[verdictKey]*flight // guarded by mu
}

type flight struct {
	done  chan struct{}
	entry *entry // written before done is closed
}

// do waits for the judgement of key, starting it if none is under way. prepare runs on the caller's goroutine, for the
// leader alone, and gives the judgement to run. When ctx is done first the caller gets its error, and the judgement goes on.
func (f *flights) do(ctx context.Context, key verdictKey, prepare func() (func() *entry, error)) (*entry, error) {
	f.mu.Lock()
	c := f.calls[key]
	if c == nil {
		judge, err := prepare()
		if err != nil {
			f.mu.Unlock()
			return nil, err
		}
		c = &flight{done: make(chan struct{})}
		if f.calls == nil {
			f.calls = map[verdictKey]*flight{}
		}
		f.calls[key] = c
		go f.run(key, c, judge)
	}
	f.mu.Unlock()
	select {
	case <-c.done:
		return c.entry, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *flights) run(key verdictKey, c *flight, judge func() *entry) {
	defer func() {
		if v := recover(); v != nil {
			c.entry = panicked(key, v)
		}
		f.mu.Lock()
		delete(f.calls, key)
		f.mu.Unlock()
		close(c.done)
	}()
	c.entry = judge()
}
