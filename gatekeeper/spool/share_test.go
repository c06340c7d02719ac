package spool

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func getAs(t *testing.T, s *Spool, k byte, n int, user uint32) (*Content, error) {
	t.Helper()
	return s.Get(t.Context(), key(k), int64(n), user, filling(content(k, n), nil))
}

func wantShare(t *testing.T, what string, err error, user uint32, held int64) {
	t.Helper()
	full, ok := errors.AsType[*FullError](err)
	if !ok || !full.Share || full.User != user || full.Held != held || !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "raise views-spool") {
		t.Errorf("%s: %v", what, err)
	}
}

// One user may have half of the room open, and the others have the rest.
func TestNobodyKeepsTheOthersOut(t *testing.T) {
	s := newSpool(t, 1000)
	const greedy, other = 12345, 54321
	first, err := getAs(t, s, 1, 400, greedy)
	if err != nil {
		t.Fatal(err)
	}
	_, err = getAs(t, s, 2, 101, greedy)
	wantShare(t, "more than half", err, greedy, 400)
	_, err = getAs(t, s, 3, 501, other)
	wantShare(t, "more than half at once", err, other, 0)
	twice, err := getAs(t, s, 1, 400, greedy) // counts once
	if err != nil {
		t.Fatal(err)
	}
	small, err := getAs(t, s, 2, 100, greedy)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := getAs(t, s, 3, 500, other)
	if err != nil {
		t.Fatalf("the other's half: %v", err)
	}
	rest.Close()
	_, ok, err := s.Lookup(key(3), greedy) // idle, and not his to hold
	wantShare(t, "what is idle", err, greedy, 500)
	if ok {
		t.Error("it was given all the same")
	}
	first.Close()
	if _, err = getAs(t, s, 4, 1, greedy); err == nil {
		t.Error("his second open counts for nothing")
	}
	twice.Close()
	again, err := getAs(t, s, 4, 400, greedy)
	if err != nil {
		t.Fatalf("what was closed still counts: %v", err)
	}
	again.Close()
	small.Close()
}

// Root and the daemon's own user may have everything.
func TestTheDaemonsOwnUserHasNoShare(t *testing.T) {
	for _, user := range []uint32{0, uint32(os.Geteuid())} {
		s := newSpool(t, 1000)
		c, err := getAs(t, s, 1, 1000, user)
		if err != nil {
			t.Fatal(err)
		}
		_, err = getAs(t, s, 2, 1, 777)
		full, ok := errors.AsType[*FullError](err)
		if !ok || full.Share || full.Held != 1000 || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%v", err)
		}
		c.Close()
	}
}

// Who waits for content holds it, and so does each who has open what another opened first; a claim that is parted from its
// content ends by itself.
func TestClaims(t *testing.T) {
	s := newSpool(t, 1000)
	const a, b = 100, 200
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Get(ctx, key(1), 500, a, func() (Fill, error) {
			return func(ctx context.Context, _ io.Writer) error { <-ctx.Done(); return ctx.Err() }, nil
		})
		result <- err
	}()
	waiters(t, s, 1)
	_, err := getAs(t, s, 2, 1, a)
	wantShare(t, "while his first is made", err, a, 500)
	stop()
	<-result
	c, err := getAs(t, s, 3, 500, a)
	if err != nil {
		t.Fatal(err)
	}
	own := c.Part()
	shared, ok, err := s.Lookup(key(3), b)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, err = getAs(t, s, 4, 1, b)
	wantShare(t, "beside what another opened first", err, b, 500)
	own.Close()
	own.Close()
	wantContent(t, c, content(3, 500)) // open, for b
	next, err := getAs(t, s, 4, 500, a)
	if err != nil {
		t.Fatalf("what he has closed counts still: %v", err)
	}
	next.Close()
	shared.Close()
	c.Close()
	if s.entries[key(3)].refs != 0 {
		t.Error("somebody holds it still")
	}
}

// The last who goes is told when what writes has ended, and nothing of it is left.
func TestTheLastWaitsForTheEnd(t *testing.T) {
	s := newSpool(t, 1000)
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	_, err := s.Get(ctx, key(1), 500, 0, func() (Fill, error) {
		return func(ctx context.Context, _ io.Writer) error { stop(); <-ctx.Done(); ended = true; return ctx.Err() }, nil
	})
	if !errors.Is(err, context.Canceled) || !ended || s.used != 0 {
		t.Errorf("%v, ended %v, %d bytes", err, ended, s.used)
	}
}
