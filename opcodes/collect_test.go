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
		if callee, _, _ := m.Call(e.Object); callee != 0 {
			s += fmt.Sprint(" by ", callee.Kind())
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

// TestArenaAccounts checks between collections that every slot is free or an object's, that each body names its slot and
// lies where bodies may, and that what is in use is what was counted.
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
			if m0 == nil || events < 16 {
				t.Fatalf("seed %d: nothing was checked", seed)
			}
		}
	}
}

func checkArena(t *testing.T, a *arena) {
	t.Helper()
	free := map[uint32]bool{0: true}
	for id := a.free; id != 0; id = uint32(*a.slot(id)) {
		if free[id] || id >= a.top {
			t.Fatalf("slot %d is free twice (%v), or beyond %d", id, free[id], a.top)
		}
		free[id] = true
	}
	if used := int64(a.top) - int64(len(free)); used != a.used {
		t.Fatalf("%d slots in use, %d counted", used, a.used)
	}
	for id := uint32(1); id < a.top; id++ {
		s := *a.slot(id)
		if free[id] || s&flagBody == 0 {
			continue
		}
		c, off := int(s&payload48>>placeBits), int(s&placeMask)
		end := a.fills[c]
		if c == a.curAt {
			end = a.fill
		}
		w := a.body(s)
		if uint32(w[0]>>32) != id || s&flagMark != 0 || off+len(w) > end {
			t.Fatalf("slot %d (%#x) has its body at %d.%d of %d, with header %#x", id, s, c, off, end, w[0])
		}
	}
}
