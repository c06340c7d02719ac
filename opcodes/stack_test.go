package opcodes

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDeepStack compares the stack in pages with one in a single piece, over bursts of pushes, pops and marks that cross
// from page to page.
func TestDeepStack(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 7))
		m := &Machine{set: All, entriesMax: 1 << 30}
		m.rebase(0)
		var want []Value
		var marks []int
		next, highest := uint64(1), 0
		for step := range 100 {
			switch n := r.IntN(2*stackPage + 10); r.IntN(8) {
			case 0, 1, 2:
				for range n {
					v := mk(KindInt, next)
					next++
					m.push(v)
					want = append(want, v)
				}
			case 3:
				m.mark()
				marks = append(marks, len(want))
			case 4:
				if len(marks) == 0 {
					continue
				}
				at := marks[len(marks)-1]
				marks = marks[:len(marks)-1]
				items, ok := m.sinceMark()
				if !ok || !slices.Equal(items, want[at:]) {
					t.Fatalf("seed %d: %d items above the mark at %d, want %d", seed, len(items), at, len(want)-at)
				}
				want = want[:at]
			default:
				fence := 0
				if len(marks) > 0 {
					fence = marks[len(marks)-1]
				}
				for range min(n, len(want)-fence) {
					v, ok := m.pop()
					if !ok || v != want[len(want)-1] {
						t.Fatalf("seed %d: popped %#x, want %#x at height %d", seed, v, want[len(want)-1], len(want))
					}
					want = want[:len(want)-1]
				}
			}
			highest = max(highest, len(want))
			if step%10 > 0 {
				continue
			}
			if got := slices.Concat(m.parts(0)...); !slices.Equal(got, want) || m.height() != len(want) {
				t.Fatalf("seed %d: a stack of %d, want %d", seed, m.height(), len(want))
			}
			if from := r.IntN(len(want) + 1); !slices.Equal(slices.Concat(m.parts(from)...), want[from:]) {
				t.Fatalf("seed %d: the parts from %d on", seed, from)
			}
			if m.low > len(want) || m.base > 0 && len(m.stack) < keepHot {
				t.Fatalf("seed %d: low %d of %d, %d at the top", seed, m.low, len(want), len(m.stack))
			}
		}
		if highest < 2*stackPage {
			t.Fatalf("seed %d: never more than %d values", seed, highest)
		}
	}
}

// TestManyAppended: APPENDS of more than the top of the stack holds, to a list, adds each item once and no other.
func TestManyAppended(t *testing.T) {
	for _, n := range []int{10, stackPage, 3*stackPage + 7} {
		data := append(append([]byte("N](N"), slices.Repeat([]byte("K\x01"), n)...), "e\x86Q."...)
		_, rep := told(t, string(data), Options{Handler: func(m *Machine, e *Event) {
			items := m.Items(e.Args)
			if len(items) != 2 || items[0].Kind() != KindNone || m.Len(items[1]) != int64(n)+1 {
				t.Errorf("%d appended: %d", n, m.Len(items[1]))
			}
			if first := m.Items(items[1]); len(first) == 0 || first[0].Kind() != KindNone || first[1].Kind() != KindInt {
				t.Errorf("%d appended: %v", n, first)
			}
		}})
		if rep.Err(Python3) != nil {
			t.Error(rep.Err(Python3))
		}
	}
}
