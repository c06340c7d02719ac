package fs

import (
	"crypto/sha256"
	"sync"
	"time"
)

// A seldom memory knows what was said a moment ago, so that the log does not hold the same line a thousand times because
// somebody tries a thousand times. The zero value has said nothing.
type seldom struct {
	mu   sync.Mutex
	said map[sum]saying // by what was said, hashed: paths and targets may be long
}

type sum [sha256.Size]byte

type saying struct {
	at       time.Time
	repeated int // how often it was not said since
}

const (
	// saidAgain is after how long the same is said again.
	saidAgain = time.Minute
	// saidMost bounds the memory; beyond it, the oldest go.
	saidMost = 4096
)

// due says whether line is to be said now, and how often it was left out since it was said last.
func (s *seldom) due(now time.Time, line string) (repeated int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sum(sha256.Sum256([]byte(line)))
	last, known := s.said[key]
	if known && now.Sub(last.at) < saidAgain {
		last.repeated++
		s.said[key] = last
		return 0, false
	}
	if !known && len(s.said) >= saidMost {
		s.expire(now)
	}
	if s.said == nil {
		s.said = map[sum]saying{}
	}
	s.said[key] = saying{at: now}
	return last.repeated, true
}

// expire makes room: what may be said again goes, and if that is nothing, everything.
func (s *seldom) expire(now time.Time) {
	for line, last := range s.said {
		if now.Sub(last.at) >= saidAgain {
			delete(s.said, line)
		}
	}
	if len(s.said) >= saidMost {
		clear(s.said)
	}
}
