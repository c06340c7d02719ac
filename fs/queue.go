package fs

import (
	"context"
	"fmt"
	"sync"
)

// A queue lets a bounded number of openers wait for judgements at once, a bounded number of them for each user, and gives
// free places to the users in turn: who asks for a thousand files does not keep the others out.
type queue struct {
	total, perUser int

	mu      sync.Mutex
	running int
	users   map[uint32]*lane // users with somebody running or waiting
	turn    []uint32         // users with somebody waiting, next first
}

// A lane is one user's part of the queue.
type lane struct {
	running int
	waiting []chan struct{} // closed when its owner may go
}

// maxWaiting bounds what one user may have in the queue; a process that opens more files at once is refused.
const maxWaiting = 4096

func newQueue(total, perUser int) *queue {
	return &queue{total: total, perUser: min(perUser, total), users: map[uint32]*lane{}}
}

// enter waits for a place. After nil, leave must be called.
func (q *queue) enter(ctx context.Context, user uint32) error {
	q.mu.Lock()
	l := q.users[user]
	if l == nil {
		l = &lane{}
		q.users[user] = l
	}
	if len(l.waiting) == 0 && q.running < q.total && l.running < q.perUser {
		q.running, l.running = q.running+1, l.running+1
		q.mu.Unlock()
		return nil
	}
	if len(l.waiting) >= maxWaiting {
		q.mu.Unlock()
		return fmt.Errorf("user %d has %d files waiting to be judged already", user, maxWaiting)
	}
	mine := make(chan struct{})
	if len(l.waiting) == 0 {
		q.turn = append(q.turn, user)
	}
	l.waiting = append(l.waiting, mine)
	q.mu.Unlock()

	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		q.abandon(user, mine)
		return ctx.Err()
	}
}

// abandon takes a waiter out, or gives back the place that it was given in the same moment.
func (q *queue) abandon(user uint32, mine chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.users[user]
	for i, c := range l.waiting {
		if c == mine {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			q.tidy(user, l)
			return
		}
	}
	q.free(user, l)
}

// leave gives a place back.
func (q *queue) leave(user uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(user, q.users[user])
}

func (q *queue) free(user uint32, l *lane) {
	q.running, l.running = q.running-1, l.running-1
	q.tidy(user, l)
	q.admit()
}

// admit gives free places to waiting users in turn. Called with mu held.
func (q *queue) admit() {
	for skipped := 0; q.running < q.total && skipped < len(q.turn); {
		user := q.turn[0]
		q.turn = q.turn[1:]
		l := q.users[user]
		if l == nil || len(l.waiting) == 0 {
			continue
		}
		if l.running >= q.perUser {
			q.turn = append(q.turn, user)
			skipped++
			continue
		}
		skipped = 0
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		q.running, l.running = q.running+1, l.running+1
		if len(l.waiting) > 0 {
			q.turn = append(q.turn, user)
		}
	}
}

// tidy forgets a user who has nothing in the queue. Called with mu held.
func (q *queue) tidy(user uint32, l *lane) {
	if len(l.waiting) > 0 {
		return
	}
	for i, u := range q.turn {
		if u == user {
			q.turn = append(q.turn[:i:i], q.turn[i+1:]...)
			break
		}
	}
	if l.running == 0 {
		delete(q.users, user)
	}
}
