package opcodes

// Collections happen between opcodes, when enough words have been handed out since the last one. While little is
// alive, each one looks at everything. When more than forgetWords survive, all but what is near the top of the stack
// forgets its items and grows old: an entry then costs at most three words with its own, whatever hung below it, and
// later collections leave what is old alone, so that each block is looked at about once. Whoever asks for forgotten
// items learns from Machine.Whole that they are gone.
const (
	collectWords = 1 << 20 // 8 MiB
	forgetWords  = 3 << 20 // 24 MiB
	nearBlocks   = 1 << 14 // blocks near the top of the stack, counted breadth first, that forget nothing
	nearStack    = 1 << 12 // stack entries that they are reached from
)

// A collector is the state of collections of an arena.
type collector struct {
	forgets  bool     // Options.Contents is not set
	forgetAt int64    // forgetWords
	aged     bool     // there are old blocks
	minor    bool     // this collection leaves old blocks alone
	near     []uint64 // blocks that the last collection kept whole
	full     int64    // words alive after the last collection that looked at everything
	closed   []bool   // chunks that nothing new is put into: nearly full, or their free blocks found no use
	usable   []int64  // words in free blocks of each chunk after its last sweep
	liveIn   []int64  // words alive in each chunk after it
}

// due says whether it is time to collect. With old blocks a collection costs what is young.
func (a *arena) due() bool {
	if a.aged {
		return a.since > collectWords
	}
	return a.since > max(collectWords, a.live/2)
}

// collect frees every block that neither stack nor memo reaches. The stack from low on and the pages of the memo are
// those that changed, or all, as everything says. It uses work lists, not recursion: nesting has no depth here.
func (a *arena) collect(stack []Value, low int, pages [][]Value) {
	a.release(a.cur, a.fill, a.end-a.fill)
	a.fill, a.end = 0, 0
	forget := a.forgets && (a.aged || a.live > a.forgetAt)
	var work []uint64
	kept := a.near
	a.near = nil
	if forget {
		for i := len(stack) - 1; i >= max(0, len(stack)-nearStack); i-- {
			work = a.reach(work, stack[i])
		}
		done := 0
		for ; done < min(len(work), nearBlocks); done++ {
			work = a.visit(work, work[done], false)
		}
		a.near = append(a.near, work[:done]...)
		work = a.drain(work[done:], true)
	}
	for _, p := range kept { // the memo's pages that hold them may not be among those given
		if w := a.at(p); w[0]>>nBits&flagMark == 0 {
			w[0] |= flagMark << nBits
			work = a.drain(append(work, p), forget)
		}
	}
	for _, v := range stack[low:] {
		work = a.drain(a.reach(work, v), forget)
	}
	for _, page := range pages {
		for _, v := range page {
			work = a.drain(a.reach(work, v), forget)
		}
	}
	for v := range a.attached {
		if a.at(v.payload())[0]>>nBits&flagMark == 0 {
			delete(a.attached, v)
		}
	}
	a.aged = a.aged || forget
	a.sweep()
}

// everything says whether the next collection must look at old blocks too: when more is alive than so many entries
// account for, and more than twice what the last such collection left.
func (a *arena) everything(entries int64) bool {
	a.minor = a.aged && (a.live < 3*entries+a.forgetAt || a.live < 2*a.full)
	return !a.minor
}

// reach marks v's block and, when it is new, puts it on the work list.
func (a *arena) reach(work []uint64, v Value) []uint64 {
	if !v.inArena() {
		return work
	}
	w := a.at(v.payload())
	if f := w[0] >> nBits; f&flagMark != 0 || a.minor && f&flagOld != 0 {
		return work
	}
	w[0] |= flagMark << nBits
	return append(work, v.payload())
}

func (a *arena) drain(work []uint64, forget bool) []uint64 {
	for len(work) > 0 {
		p := work[len(work)-1]
		work = a.visit(work[:len(work)-1], p, forget)
	}
	return work
}

// visit reaches what the block at p holds, or lets the coming sweep make it forget that.
func (a *arena) visit(work []uint64, p uint64, forget bool) []uint64 {
	w := a.at(p)
	if forget {
		w[0] |= flagForget << nBits
	}
	k, forgot := Kind(w[0]>>payloadBits), w[0]>>nBits&flagForgot != 0
	switch k {
	case KindCall:
		work = a.reach(work, Value(w[1]))
		if !forgot && !forget {
			work = a.reach(work, Value(w[2]))
		}
		if w[0]>>nBits&flagAttached != 0 {
			for _, t := range a.attached[mk(KindCall, p)] {
				work = a.reach(work, t.Args)
			}
		}
	case KindPersistent:
		if !forgot && !forget {
			work = a.reach(work, Value(w[1]))
		}
	case KindTuple, KindFrozenSet, KindList, KindDict, KindSet:
		if forgot || forget {
			break
		}
		for _, it := range a.stored(w) {
			work = a.reach(work, Value(it))
		}
		if k != KindTuple && k != KindFrozenSet && w[1] != 0 {
			a.at(w[1])[0] |= flagMark << nBits
		}
	}
	return work
}
