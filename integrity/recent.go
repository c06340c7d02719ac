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
	mu     sync.Mutex
	slots  [recentWays]checked        // guarded by mu
	next   int                        // the slot that goes next: the oldest
	flying map[chunkKey]chan struct{} // chunks that somebody fetches, closed when that is over; guarded by mu
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

// copy serves p from a recently checked chunk, from offset at in it. If the chunk is not there but under way, it waits; if it
// is neither, ok is false and the caller fetches it and says landed: of two readers at one chunk, which neighbouring reads
// nearly always are, one reads and checks it.
func (c *chunkCache) copy(p []byte, k chunkKey, at int64) (n int, ok bool) {
	s := c.shard(k)
	for {
		s.mu.Lock()
		for i := range s.slots {
			if slot := &s.slots[i]; slot.buf != nil && slot.key == k {
				n = copy(p, slot.buf[at:slot.length])
				s.mu.Unlock()
				return n, true
			}
		}
		over := s.flying[k]
		if over == nil {
			if s.flying == nil {
				s.flying = map[chunkKey]chan struct{}{}
			}
			s.flying[k] = make(chan struct{})
			s.mu.Unlock()
			return 0, false
		}
		s.mu.Unlock()
		<-over
	}
}

// landed ends what copy has begun with false, whether the chunk was kept or could not be had: who waits then tries for itself.
func (c *chunkCache) landed(k chunkKey) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.flying[k])
	delete(s.flying, k)
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
