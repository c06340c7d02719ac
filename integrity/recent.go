package integrity

import "sync"

// recent holds the chunks that were checked last for reads smaller than a chunk: headers, pickles, faults that straddle two
// chunks. It is one for the process, so that a thousand open files cost no more memory than one.
var recent chunkCache

const (
	recentShards = 8
	recentWays   = 12 // chunks a shard: 12 MiB in all
)

// A chunkKey names a checked chunk of one Reader.
type chunkKey struct {
	reader uint64
	index  int64
}

type chunkCache struct{ shards [recentShards]chunkShard }

type chunkShard struct {
	mu    sync.Mutex
	slots [recentWays]checked // guarded by mu
	next  int                 // the slot that goes next: the oldest
}

type checked struct {
	key    chunkKey
	length int64
	buf    *[ChunkSize]byte // nil: slot unused
}

var chunkPool = sync.Pool{New: func() any { return new([ChunkSize]byte) }}

func (c *chunkCache) shard(k chunkKey) *chunkShard {
	return &c.shards[(k.reader*7+uint64(k.index))%recentShards]
}

// copy serves p from a recently checked chunk, from offset at in it, if the chunk is there.
func (c *chunkCache) copy(p []byte, k chunkKey, at int64) (int, bool) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slots {
		if slot := &s.slots[i]; slot.buf != nil && slot.key == k {
			return copy(p, slot.buf[at:slot.length]), true
		}
	}
	return 0, false
}

// keep takes over a checked chunk, in place of the oldest of its shard.
func (c *chunkCache) keep(k chunkKey, buf *[ChunkSize]byte, length int64) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := &s.slots[s.next]
	s.next = (s.next + 1) % recentWays
	if slot.buf != nil {
		chunkPool.Put(slot.buf)
	}
	*slot = checked{key: k, length: length, buf: buf}
}
