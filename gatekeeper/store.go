package gatekeeper

import (
	"sync"

	"github.com/dgraph-io/ristretto/v2"
)

// A store keeps values of one kind within a cost, and may lose any of them at any time.
type store[V any] interface {
	Get(key string) (V, bool)
	// keep has the value there for whoever asks next.
	keep(key string, v V, cost int64)
	drop(key string)
	Clear()
	Close()
}

// newStore makes the store of a gate that lives on, which keeps what is asked for often, or of one that ends with its command.
func newStore[V any](bytes int64, passing bool) (store[V], error) {
	if passing {
		return &heap[V]{max: bytes, values: map[string]V{}}, nil
	}
	c, err := ristretto.NewCache(&ristretto.Config[string, V]{
		NumCounters: max(1000, bytes/100), MaxCost: bytes, BufferItems: 64,
	})
	return lasting[V]{c}, err
}

// itemCost is what an entry costs beside its value.
func itemCost(key string, cost, most int64) int64 {
	// An item beyond the whole store would never be kept, and its file hashed again at every open: it counts as a quarter.
	return min(cost+int64(len(key))+200, most/4)
}

// lasting is a store of ristretto's.
type lasting[V any] struct{ *ristretto.Cache[string, V] }

// keep waits until the cache has it: the next open must not judge again because a buffer was not drained yet.
func (c lasting[V]) keep(key string, v V, cost int64) {
	if c.Set(key, v, itemCost(key, cost, c.MaxCost())) {
		c.Wait()
	}
}

func (c lasting[V]) drop(key string) {
	c.Del(key)
	c.Wait()
}

// A heap is a store that forgets everything once it is full. What a command judges it mostly judges once: to weigh what is
// worth keeping, on goroutines of their own, costs more than a small file does.
type heap[V any] struct {
	max int64

	mu     sync.Mutex
	values map[string]V // guarded by mu
	cost   int64        // of values, those replaced included; guarded by mu
}

func (h *heap[V]) Get(key string) (V, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.values[key]
	return v, ok
}

func (h *heap[V]) keep(key string, v V, cost int64) {
	cost = itemCost(key, cost, h.max)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cost += cost; h.cost > h.max {
		clear(h.values)
		h.cost = cost
	}
	h.values[key] = v
}

func (h *heap[V]) drop(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.values, key)
}

func (h *heap[V]) Clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.values)
	h.cost = 0
}

func (h *heap[V]) Close() { h.Clear() }
