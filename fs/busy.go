package fs

import (
	"sync"
	"syscall"
	"time"
)

// A restless memory knows who was sent back with ESTALE a moment ago. The kernel looks a name up again once; a second
// ESTALE for the same open would reach the reader, who has no use for it. He is refused instead: the file keeps changing.
type restless struct {
	mu   sync.Mutex
	sent map[uint32]sentBack // by thread
}

type sentBack struct {
	path string
	at   time.Time
}

const (
	// restlessFor is longer than the kernel takes to come back, and shorter than a person's second try.
	restlessFor = 2 * time.Second
	// restlessMost bounds the memory; beyond it, the oldest go.
	restlessMost = 4096
)

// settle passes err on, and makes EACCES of a second ESTALE in one open. All readers of other pid namespaces are thread 0:
// nobody knows whose second ESTALE it would be, and nobody is refused for another's.
func (r *restless) settle(tid uint32, path string, err error) error {
	if tid == 0 {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !isErr(err, syscall.ESTALE) {
		if len(r.sent) > 0 {
			delete(r.sent, tid)
		}
		return err
	}
	now := time.Now()
	if last, ok := r.sent[tid]; ok && last.path == path && now.Sub(last.at) < restlessFor {
		delete(r.sent, tid)
		return errBusy
	}
	if len(r.sent) >= restlessMost {
		r.expire(now)
	}
	if r.sent == nil {
		r.sent = map[uint32]sentBack{}
	}
	r.sent[tid] = sentBack{path, now}
	return err
}

// expire makes room: what is too old to matter goes, and if that is nothing, everything.
func (r *restless) expire(now time.Time) {
	for tid, s := range r.sent {
		if now.Sub(s.at) >= restlessFor {
			delete(r.sent, tid)
		}
	}
	if len(r.sent) >= restlessMost {
		clear(r.sent)
	}
}
