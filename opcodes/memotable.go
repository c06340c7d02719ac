package opcodes

// A memoTable holds the entries from 0 to n in pages, so that it grows without being copied.
type memoTable struct {
	pages []*[memoPage]Value
	n     uint64
}

const memoPage = 4 << 10 // 32 KiB

func (t *memoTable) get(i uint64) Value {
	if i >= t.n {
		return 0
	}
	return t.pages[i/memoPage][i%memoPage]
}

// set writes an entry below n.
func (t *memoTable) set(i uint64, v Value) { t.pages[i/memoPage][i%memoPage] = v }

func (t *memoTable) add(v Value) {
	i := t.n
	if i%memoPage == 0 {
		t.pages = append(t.pages, new([memoPage]Value))
	}
	t.pages[i/memoPage][i%memoPage] = v
	t.n++
}
