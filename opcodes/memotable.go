package opcodes

// A memoTable holds the entries from 0 to n in pages, so that it grows without being copied.
type memoTable struct {
	pages []*[memoPage]Value
	last  *[memoPage]Value // the page of entry n-1
	n     uint64
}

const memoPage = 2 << 10 // 16 KiB

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
		t.last = new([memoPage]Value)
		t.pages = append(t.pages, t.last)
	}
	t.last[i%memoPage] = v
	t.n++
}

// parts gives the entries from i on, in pieces.
func (t *memoTable) parts(i uint64) (parts [][]Value) {
	for ; i < t.n; i = (i/memoPage + 1) * memoPage {
		parts = append(parts, t.pages[i/memoPage][i%memoPage:min(memoPage, t.n-i/memoPage*memoPage)])
	}
	return parts
}
