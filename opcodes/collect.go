package opcodes

// Collections happen between opcodes, when the words handed out since the last one exceed both collectWords and what
// survived it: so the arena stays below about twice the words alive plus collectWords.
const collectWords = 1 << 20 // 8 MiB

func (a *arena) due() bool { return a.since > max(collectWords, a.live) }

// collect frees every block that no root reaches. It uses a work list, not recursion: nesting has no depth here.
func (a *arena) collect(roots ...[]Value) {
	if a.fill < a.end {
		a.release(a.cur, a.fill, a.end-a.fill)
	}
	a.fill, a.end = 0, 0
	var work []uint64
	for _, r := range roots {
		for _, v := range r {
			work = a.reach(work, v)
			work = a.drain(work)
		}
	}
	for v := range a.attached {
		if a.at(v.payload())[0]>>nBits&flagMark == 0 {
			delete(a.attached, v)
		}
	}
	a.sweep()
}

// reach marks v's block and, when it is new, puts it on the work list.
func (a *arena) reach(work []uint64, v Value) []uint64 {
	if !v.inArena() {
		return work
	}
	w := a.at(v.payload())
	if w[0]>>nBits&flagMark != 0 {
		return work
	}
	w[0] |= flagMark << nBits
	return append(work, v.payload())
}

func (a *arena) drain(work []uint64) []uint64 {
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		w := a.at(p)
		switch Kind(w[0] >> payloadBits) {
		case KindTuple, KindFrozenSet:
		case KindList, KindDict, KindSet:
			if w[1] != 0 {
				a.at(w[1])[0] |= flagMark << nBits
			}
		case KindCall:
			work = a.reach(work, Value(w[1]))
			work = a.reach(work, Value(w[2]))
			if w[0]>>nBits&flagAttached != 0 {
				for _, t := range a.attached[mk(KindCall, p)] {
					work = a.reach(work, t.Args)
				}
			}
			continue
		case KindPersistent:
			work = a.reach(work, Value(w[1]))
			continue
		default:
			continue
		}
		for _, it := range a.stored(w) {
			work = a.reach(work, Value(it))
		}
	}
	return work
}

// sweep rebuilds the free lists from what is not marked, joining neighbours, and gives empty chunks back.
func (a *arena) sweep() {
	clear(a.free[:])
	a.runs = a.runs[:0]
	a.live, a.since = 0, 0
	for c := 1; c < len(a.chunks); c++ {
		if a.chunks[c] == nil {
			continue
		}
		if a.sweepChunk(c) == 0 {
			a.words -= int64(len(a.chunks[c]))
			a.chunks[c] = nil
			a.spare = append(a.spare, c)
		}
	}
}

// sweepChunk gives the number of words alive in chunk c; free runs are listed only if there are some.
func (a *arena) sweepChunk(c int) (live int) {
	chunk := a.chunks[c]
	for off := 0; off < len(chunk); {
		size := a.sizeOf(chunk[off])
		if chunk[off]>>nBits&flagMark != 0 {
			live += size
		}
		off += size
	}
	if live == 0 {
		return 0
	}
	a.live += int64(live)
	dead := 0
	for off := 0; off < len(chunk); {
		h := chunk[off]
		size := a.sizeOf(h)
		if h>>nBits&flagMark == 0 {
			off += size
			dead += size
			continue
		}
		a.release(c, off-dead, dead)
		dead = 0
		chunk[off] &^= flagMark << nBits
		off += size
	}
	a.release(c, len(chunk)-dead, dead)
	return live
}
