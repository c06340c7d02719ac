package opcodes

// A memoTable holds the entries from 0 to n in pages, so that it grows without being copied.
type memoTable struct {
	pages [][]Value
	dirty []bool // pages that were written to since the last collection
	n     uint64
}

const (
	pageBits = 12
	pageMask = 1<<pageBits - 1
)

func (t *memoTable) get(i uint64) Value {
	if i >= t.n {
		return 0
	}
	return t.pages[i>>pageBits][i&pageMask]
}

// set writes an entry below n.
func (t *memoTable) set(i uint64, v Value) {
	t.pages[i>>pageBits][i&pageMask] = v
	t.dirty[i>>pageBits] = true
}

func (t *memoTable) add(v Value) {
	if t.n&pageMask == 0 {
		t.pages = append(t.pages, make([]Value, 1<<pageBits))
		t.dirty = append(t.dirty, true)
	}
	t.n++
	t.set(t.n-1, v)
}

// changed gives the pages that were written to since it was last asked, or all.
func (t *memoTable) changed(all bool) (pages [][]Value) {
	for i, p := range t.pages {
		if all || t.dirty[i] {
			pages = append(pages, p)
		}
		t.dirty[i] = false
	}
	return pages
}
