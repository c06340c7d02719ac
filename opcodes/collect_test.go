package opcodes

import (
	"bytes"
	"fmt"
	"testing"
)

// eager are options under which the window is as small as can be and everything is collected all the time.
func eager(forgetAt int64) Options {
	return Options{
		window:  lookahead,
		collect: func(m *Machine) bool { return true },
		tune:    func(a *arena) { a.forgetAt = forgetAt },
	}
}

// TestCollecting runs streams with and without collections and wants the same events, with the same values.
func TestCollecting(t *testing.T) {
	collections := 0
	for seed := range uint64(60) {
		data := made(seed, 400)
		want, rep := told(t, data, Options{})
		if err := rep.Err(Python3); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		opt := eager(1 << 40)
		collect := opt.collect
		opt.collect = func(m *Machine) bool { collections++; return collect(m) }
		got, _ := told(t, data, opt)
		if i := differ(want, got); i >= 0 {
			t.Fatalf("seed %d, event %d:\n got %s\nwant %s", seed, i, at(got, i), at(want, i))
		}
		opt.Contents = true
		whole, _ := told(t, data, Options{Contents: true})
		got, _ = told(t, data, opt)
		if i := differ(whole, got); i >= 0 {
			t.Fatalf("seed %d with contents, event %d:\n got %s\nwant %s", seed, i, at(got, i), at(whole, i))
		}
	}
	if collections < 1000 {
		t.Errorf("only %d collections", collections)
	}
}

// TestForgetting has everything forget at once. What a value is must stay; only its items may be gone, and then it is
// not whole.
func TestForgetting(t *testing.T) {
	forgot := 0
	for seed := range uint64(60) {
		data := made(seed, 400)
		want := shapes(data, Options{}, nil)
		opt := eager(0)
		got := shapes(data, opt, &forgot)
		if len(want) != len(got) {
			t.Fatalf("seed %d: %d events, want %d", seed, len(got), len(want))
		}
		for i := range want {
			if want[i] != got[i] {
				t.Fatalf("seed %d, event %d: %s, want %s", seed, i, got[i], want[i])
			}
		}
	}
	if forgot == 0 {
		t.Error("nothing was forgotten")
	}
}

// shapes gives what each event says of its values beside their items, and counts those that are not whole.
func shapes(data string, opt Options, forgot *int) (out []string) {
	opt.Handler = func(m *Machine, e *Event) {
		s := fmt.Sprint(e.Kind, e.Offset)
		for _, v := range []Value{e.Object, e.Args, e.Result} {
			s += fmt.Sprint(" ", v.Kind(), m.Len(v))
			if !m.Whole(v) && m.Len(v) <= KeptItems && forgot != nil {
				*forgot++
			}
			for _, it := range m.Items(v) {
				m.Render(it, 1000) // must find sound blocks
			}
		}
		if callee, _, off := m.Call(e.Object); callee != 0 {
			s += fmt.Sprint(" by ", callee.Kind(), off)
		}
		out = append(out, s)
	}
	Run(bytes.NewReader([]byte(data)), int64(len(data)), opt)
	return out
}

func differ(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return "nothing"
}

// TestArenaAccounts checks after each collection that blocks tile the chunks, that free lists name free blocks, and
// that what is alive is what was counted.
func TestArenaAccounts(t *testing.T) {
	for _, forgetAt := range []int64{0, 200, 1 << 40} {
		for seed := range uint64(10) {
			opt := eager(forgetAt)
			var m0 *Machine
			events := 0
			opt.collect = func(m *Machine) bool { m0 = m; return true }
			opt.Handler = func(m *Machine, e *Event) {
				if events++; m0 != nil && events%16 == 0 {
					checkArena(t, &m0.a)
				}
			}
			data := made(seed, 300)
			Run(bytes.NewReader([]byte(data)), int64(len(data)), opt)
		}
	}
}

func checkArena(t *testing.T, a *arena) {
	t.Helper()
	free := map[uint64]bool{}
	for size, p := range a.free {
		for ; p != 0; p = a.at(p)[1] {
			if h := a.at(p)[0]; h != header(kindFree, 0, uint64(size)) || free[p] {
				t.Fatalf("free list %d holds %#x with header %#x, twice %v", size, p, h, free[p])
			}
			free[p] = true
		}
	}
	for c := 1; c < len(a.chunks); c++ {
		end := len(a.chunks[c])
		for off := 0; off < end; {
			if c == a.cur && off == a.fill && off < a.end {
				off = a.end
				continue
			}
			size := a.sizeOf(a.chunks[c][off])
			if size <= 0 || off+size > end {
				t.Fatalf("chunk %d: a block of %d words at %d of %d", c, size, off, end)
			}
			off += size
		}
	}
}
