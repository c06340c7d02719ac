package fs

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// enterLater starts an enter, and says when it waits or is in.
func enterLater(t *testing.T, q *queue, user uint32) (in chan error) {
	t.Helper()
	q.mu.Lock()
	before := q.load()
	q.mu.Unlock()
	in = make(chan error, 1)
	go func() { in <- q.enter(context.Background(), user) }()
	eventually(t, "the opener is in the queue", func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.load() > before
	})
	return in
}

func (q *queue) load() (n int) {
	for _, l := range q.users {
		n += l.running + len(l.waiting)
	}
	return n
}

func TestQueueIsFair(t *testing.T) {
	q := newQueue(4, 2)
	const greedy, modest = 1, 2
	var hog []chan error
	for range 10 {
		hog = append(hog, enterLater(t, q, greedy))
	}
	<-hog[0]
	<-hog[1]
	select {
	case <-hog[2]:
		t.Fatal("one user has more than his share")
	default:
	}
	if err := q.enter(context.Background(), modest); err != nil {
		t.Fatal("another user waits behind the first", err)
	}
	if err := q.enter(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	late := enterLater(t, q, modest) // all four places are taken now
	select {
	case <-late:
		t.Fatal("five of four places are taken")
	default:
	}
	q.leave(3)
	if err := <-late; err != nil { // the free place is modest's: greedy has his share
		t.Fatal(err)
	}
	q.leave(greedy)
	if err := <-hog[2]; err != nil {
		t.Fatal(err)
	}
}

func TestQueueTakesTurns(t *testing.T) {
	q := newQueue(1, 1)
	if err := q.enter(context.Background(), 9); err != nil {
		t.Fatal(err)
	}
	a1, a2, b1 := enterLater(t, q, 1), enterLater(t, q, 1), enterLater(t, q, 2)
	q.leave(9)
	<-a1
	q.leave(1)
	<-b1 // before a2, though it came later
	select {
	case <-a2:
		t.Fatal("two at once")
	default:
	}
	q.leave(2)
	<-a2
	q.leave(1)
	if len(q.users) != 0 || len(q.turn) != 0 || q.running != 0 {
		t.Errorf("left: %d users, %d turns, %d running", len(q.users), len(q.turn), q.running)
	}
}

func TestQueueAbandoned(t *testing.T) {
	q := newQueue(1, 1)
	if err := q.enter(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := q.enter(ctx, 1); err == nil {
		t.Fatal("entered a full queue")
	}
	if err := q.enter(ctx, 2); err == nil {
		t.Fatal("entered a full queue")
	}
	q.leave(1)
	if len(q.users) != 0 || len(q.turn) != 0 || q.running != 0 {
		t.Errorf("left: %d users, %d turns, %d running", len(q.users), len(q.turn), q.running)
	}
}

// Many come, go and give up at random; the bounds hold throughout, and nothing is left at the end.
func TestQueueUnderLoad(t *testing.T) {
	q := newQueue(3, 2)
	var all, perUser [4]atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		user := uint32(i % 4)
		wg.Go(func() {
			for j := range 50 {
				ctx, stop := context.WithCancel(context.Background())
				if (i+j)%7 == 0 {
					go stop()
				}
				if q.enter(ctx, user) == nil {
					if all[0].Add(1) > 3 || perUser[user].Add(1) > 2 {
						t.Error("too many at once")
					}
					perUser[user].Add(-1)
					all[0].Add(-1)
					q.leave(user)
				}
				stop()
			}
		})
	}
	wg.Wait()
	if len(q.users) != 0 || len(q.turn) != 0 || q.running != 0 {
		t.Errorf("left: %d users, %d turns, %d running", len(q.users), len(q.turn), q.running)
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := newQueue(1, 1)
	q.users[7] = &lane{running: 1, waiting: make([]chan struct{}, maxWaiting)}
	if err := q.enter(context.Background(), 7); err == nil {
		t.Error("there is room without end")
	}
}
