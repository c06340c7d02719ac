package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// content is n bytes that seed decides.
func content(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func key(n byte) Key { return Key{Part: [32]byte{n}} }

func newSpool(t *testing.T, max int64) *Spool {
	t.Helper()
	s := New(filepath.Join(t.TempDir(), "state", "spool"), max)
	t.Cleanup(func() {
		s.Close()
		if s.used != 0 || len(s.entries) != 0 || len(s.held) != 0 {
			t.Errorf("%d bytes, %d entries and %d users are left", s.used, len(s.entries), len(s.held))
		}
	})
	return s
}

// filling writes b in uneven parts, and counts how often it is asked to.
func filling(b []byte, calls *atomic.Int32) func() (Fill, error) {
	return func() (Fill, error) {
		return func(_ context.Context, w io.Writer) error {
			if calls != nil {
				calls.Add(1)
			}
			for n := 1; len(b) > 0; n = n*3 + 1 {
				k := min(n, len(b))
				if _, err := w.Write(b[:k]); err != nil {
					return err
				}
				b = b[k:]
			}
			return nil
		}, nil
	}
}

func get(t *testing.T, s *Spool, k Key, b []byte, calls *atomic.Int32) *Content {
	t.Helper()
	c, err := s.Get(t.Context(), k, int64(len(b)), 0, filling(b, calls))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func all(c *Content) ([]byte, error) { return io.ReadAll(io.NewSectionReader(c, 0, c.Size())) }

func wantContent(t *testing.T, c *Content, want []byte) {
	t.Helper()
	if got, err := all(c); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestContentIsWhatWasWritten(t *testing.T) {
	s := newSpool(t, 10<<20)
	for i, n := range []int{1, 4096, 128 << 10, 128<<10 + 1, 3<<20 + 7} {
		b := content(byte(i), n)
		c := get(t, s, key(byte(i)), b, nil)
		wantContent(t, c, b)
		part := make([]byte, min(n, 100))
		if _, err := c.ReadAt(part, int64(n-len(part))); err != nil || !bytes.Equal(part, b[n-len(part):]) {
			t.Errorf("the end of %d bytes: %v", n, err)
		}
		c.Close()
	}
}

// The files have no names, at any time, and nobody else may look into their folder.
func TestFilesWithoutNames(t *testing.T) {
	s := newSpool(t, 1<<20)
	c := get(t, s, key(1), content(1, 5000), nil)
	defer c.Close()
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("in the folder: %v, %v", left, err)
	}
	st, err := os.Stat(s.dir)
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", st.Mode(), err)
	}
	if st, err := c.entry.file.Stat(); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", st.Mode(), err)
	}
}

func TestOneFillForAll(t *testing.T) {
	s := newSpool(t, 1<<20)
	b, release := content(1, 100_000), make(chan struct{})
	var calls atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c, err := s.Get(t.Context(), key(1), int64(len(b)), 0, func() (Fill, error) {
				f, err := filling(b, &calls)()
				return func(ctx context.Context, w io.Writer) error { <-release; return f(ctx, w) }, err
			})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			wantContent(t, c, b)
		})
	}
	waiters(t, s, 20)
	close(release)
	wg.Wait()
	c := get(t, s, key(1), b, &calls)
	defer c.Close()
	again, ok, err := s.Lookup(key(1), 0)
	if !ok || err != nil || calls.Load() != 1 {
		t.Fatalf("there: %v, filled %d times", ok, calls.Load())
	}
	wantContent(t, again, b)
	again.Close()
}

// waiters waits until n callers share the one entry.
func waiters(t *testing.T, s *Spool, n int) {
	t.Helper()
	for range 1000 {
		s.mu.Lock()
		found := 0
		for _, e := range s.entries {
			found += e.refs
		}
		s.mu.Unlock()
		if found == n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never %d at once", n)
}

// Who no longer waits goes alone; when the last has gone the filling ends.
func TestWaitsEnd(t *testing.T) {
	s := newSpool(t, 1<<20)
	ended, b := make(chan error, 1), content(1, 100_000)
	begin := func() (Fill, error) {
		return func(ctx context.Context, w io.Writer) error {
			_, _ = w.Write(b[:1000])
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}, nil
	}
	var stops []context.CancelFunc
	results := make(chan error, 2)
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		stops = append(stops, stop)
		go func() { _, err := s.Get(ctx, key(1), int64(len(b)), 0, begin); results <- err }()
	}
	waiters(t, s, 2)
	stops[0]()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("the filling ended while somebody waits: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	stops[1]()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the second: %v", err)
	}
	<-ended
	c := get(t, s, key(1), b, nil) // afresh
	wantContent(t, c, b)
	c.Close()
}

func TestTheLongestUnreadMakesRoom(t *testing.T) {
	s := newSpool(t, 300)
	var calls atomic.Int32
	for i := range byte(3) {
		get(t, s, key(i), content(i, 100), nil).Close()
	}
	get(t, s, key(0), content(0, 100), &calls).Close() // read again: 1 is the oldest now
	held := get(t, s, key(3), content(3, 100), nil)
	for i, want := range []bool{true, false, true, true} {
		c, ok, err := s.Lookup(key(byte(i)), 0)
		if ok != want || err != nil {
			t.Errorf("content %d is there: %v", i, ok)
		}
		if ok {
			c.Close()
		}
	}
	if calls.Load() != 0 || s.used != 300 {
		t.Errorf("filled %d times, %d bytes", calls.Load(), s.used)
	}
	big := get(t, s, key(9), content(9, 200), nil) // both idle ones go, what is open stays
	wantContent(t, held, content(3, 100))
	full, ok := errors.AsType[*FullError](func() error { _, err := s.Get(t.Context(), key(1), 1, 0, filling(nil, nil)); return err }())
	if !ok || full.Held != 300 || full.Max != 300 || !strings.Contains(full.Error(), "held by open views") {
		t.Errorf("%+v", full)
	}
	held.Close()
	held.Close() // a second time changes nothing
	get(t, s, key(1), content(1, 100), nil).Close()
	big.Close()
	_, err := s.Get(t.Context(), key(2), 301, 0, filling(nil, nil))
	if !errors.As(err, &full) || !strings.Contains(err.Error(), "inflates to 301 bytes, and views-spool allows 300") {
		t.Errorf("more than all: %v", err)
	}
}

// Whatever goes wrong while content is made leaves nothing: the next who asks begins afresh.
func TestFailedFillsLeaveNothing(t *testing.T) {
	s := newSpool(t, 10<<20)
	b := content(1, 3<<20)
	broken := errors.New("CRC mismatch")
	for name, c := range map[string]struct {
		fill Fill
		want string
	}{
		"an error at once":        {func(context.Context, io.Writer) error { return broken }, "CRC mismatch"},
		"an error in the middle":  {func(_ context.Context, w io.Writer) error { _, _ = w.Write(b[:2<<20]); return broken }, "CRC mismatch"},
		"an error after all":      {func(_ context.Context, w io.Writer) error { _, _ = w.Write(b); return broken }, "CRC mismatch"},
		"fewer bytes":             {func(_ context.Context, w io.Writer) error { _, err := w.Write(b[1:]); return err }, "fewer than the 3145728 bytes"},
		"no byte":                 {func(context.Context, io.Writer) error { return nil }, "fewer than the 3145728 bytes"},
		"one byte more":           {func(_ context.Context, w io.Writer) error { _, err := w.Write(append(bytes.Clone(b), 0)); return err }, "more than the 3145728 bytes"},
		"more, and no one minds":  {func(_ context.Context, w io.Writer) error { _, _ = w.Write(append(bytes.Clone(b), 0)); return nil }, "more than the 3145728 bytes"},
		"a fault in this program": {func(context.Context, io.Writer) error { panic("told to") }, "told to"},
	} {
		got, err := s.Get(t.Context(), key(1), int64(len(b)), 0, func() (Fill, error) { return c.fill, nil })
		if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.used != 0 || len(s.entries) != 0 {
			t.Errorf("%s: %d bytes, %d entries left", name, s.used, len(s.entries))
		}
	}
	if _, err := s.Get(t.Context(), key(1), 5, 0, func() (Fill, error) { return nil, broken }); !errors.Is(err, broken) || s.used != 0 {
		t.Errorf("a beginning that fails: %v, %d bytes", err, s.used)
	}
	c := get(t, s, key(1), b, nil)
	wantContent(t, c, b)
	c.Close()
}

// What the disk changes is noticed, at the byte that changed and before it is handed out, and is made anew.
func TestDamageOnTheDisk(t *testing.T) {
	s := newSpool(t, 10<<20)
	b := content(1, 1<<20)
	var calls atomic.Int32
	c := get(t, s, key(1), b, &calls)
	if _, err := c.entry.file.WriteAt([]byte{b[500_000] ^ 1}, 500_000); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1000)
	if _, err := c.ReadAt(got, 0); err != nil {
		t.Errorf("beside the damage: %v", err)
	}
	clear(got)
	n, err := c.ReadAt(got, 499_500)
	damage, ok := errors.AsType[*DamageError](err)
	if !ok || damage.Offset != 3*128<<10 || n != 0 || !bytes.Equal(got, make([]byte, 1000)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	again := get(t, s, key(1), b, &calls)
	wantContent(t, again, b)
	if calls.Load() != 2 {
		t.Errorf("made %d times", calls.Load())
	}
	if err := again.entry.file.Truncate(1000); err != nil {
		t.Fatal(err)
	}
	if _, err := all(again); !errors.As(err, &damage) {
		t.Errorf("cut: %v", err)
	}
	c.Close()
	again.Close()
}

// A source that inflates to other bytes the second time is refused: pages of the first may still be in the kernel.
func TestOtherBytesTheSecondTime(t *testing.T) {
	s := newSpool(t, 100)
	get(t, s, key(1), content(1, 100), nil).Close()
	get(t, s, key(2), content(2, 100), nil).Close() // 1 makes room
	_, err := s.Get(t.Context(), key(1), 100, 0, filling(content(7, 100), nil))
	if err == nil || !strings.Contains(err.Error(), "other bytes than before") || s.used != 0 {
		t.Errorf("%v, %d bytes", err, s.used)
	}
	c := get(t, s, key(1), content(1, 100), nil)
	wantContent(t, c, content(1, 100))
	c.Close()
}

func TestClose(t *testing.T) {
	s := newSpool(t, 1000)
	open := get(t, s, key(1), content(1, 100), nil)
	get(t, s, key(2), content(2, 100), nil).Close()
	started := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		_, err := s.Get(context.Background(), key(3), 100, 0, func() (Fill, error) {
			return func(ctx context.Context, _ io.Writer) error { close(started); <-ctx.Done(); return ctx.Err() }, nil
		})
		result <- err
	}()
	<-started
	s.Close()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("what was being made: %v", err)
	}
	wantContent(t, open, content(1, 100))
	open.Close()
	if _, err := s.Get(t.Context(), key(1), 100, 0, filling(nil, nil)); !errors.Is(err, errClosed) {
		t.Errorf("afterwards: %v", err)
	}
	if _, ok, _ := s.Lookup(key(2), 0); ok || s.used != 0 {
		t.Errorf("afterwards %d bytes are there", s.used)
	}
}
