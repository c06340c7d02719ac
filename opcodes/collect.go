package opcodes

// Collections happen between opcodes, when enough words have been handed out since the last one. While little is
// alive, each one looks at everything. When more than forgetWords survive, counting stack and memo as far as objects are
// a part of that, all but what is near the top of the stack forgets what it holds and grows old: an entry then costs its
// slot beside its own word, whatever hung below it, and later collections leave what is old alone, so that each object is
// looked at about once. Whoever asks for forgotten items learns from Machine.Whole that they are gone.
const (
	collectWords = 64 << 10 // 512 KiB, which stay in a processor's cache
	agedWords    = 512 << 10
	forgetWords  = 3 << 20 // 24 MiB
	nearBlocks   = 1 << 14 // objects near the top of the stack, counted breadth first, that forget nothing
	nearStack    = 1 << 12 // stack entries that they are reached from
)

// A collector is the state of collections of an arena.
type collector struct {
	forgets  bool     // Options.Contents is not set
	forgetAt int64    // forgetWords
	aged     bool     // there are old objects
	minor    bool     // this collection leaves old objects alone
	dueAt    int64    // words handed out at which the next collection is due
	near     []uint32 // objects that the last collection let remember
	nearer   []uint32 // room for the next such list
	full     int64    // slots in use after the last collection that looked at everything
	work     []uint32 // objects that were reached and not yet looked into
	inUse    []int    // evacuate's
	liveIn   []int64  // words alive in each chunk, as far as marking has come
}

// roots are what a collection begins with.
type roots struct {
	top  [][]Value // the topmost nearStack values of the stack
	rest [][]Value // the stack and the memo, or what changed in them since the last collection
}

// collect frees every object that no root reaches. It uses work lists, not recursion: nesting has no depth here.
// entries is the number of stack and memo entries.
func (a *arena) collect(r roots, entries int64) {
	if a.cur != nil {
		a.fills[a.curAt] = a.fill
	}
	for len(a.liveIn) < len(a.chunks) {
		a.liveIn = append(a.liveIn, 0)
	}
	clear(a.liveIn)
	forget := a.forgets && (a.aged || a.live+min(entries, 4*a.live) > a.forgetAt)
	if forget {
		a.forgetting(r)
	} else {
		a.reachAll(r.rest)
		a.drain()
	}
	for v := range a.attached {
		if *a.of(v)&flagMark == 0 {
			delete(a.attached, v)
			a.words -= attachedWords
		}
	}
	if forget {
		a.evacuate()
	} else if a.compactable() {
		a.compact()
	}
	if a.minor {
		a.sweepYoung()
	} else {
		a.sweepAll()
	}
	a.aged = a.aged || forget
	a.account(entries)
}

// forgetting marks what is near the top of the stack first, and lets the rest forget.
func (a *arena) forgetting(r roots) {
	kept := a.near
	a.near, a.nearer = a.nearer[:0], kept
	a.reachAll(r.top)
	done := 0
	for ; done < len(a.work) && done < nearBlocks; done++ {
		id := a.work[done]
		if *a.slot(id)&flagOld == 0 {
			a.near = append(a.near, id)
		}
		a.visit(id)
	}
	for _, id := range a.work[done:] { // reached from what is near
		s := a.slot(id)
		*s &^= flagMark
		a.forget(s)
	}
	a.work = a.work[:0]
	for _, id := range kept { // the memo's entries that hold them may not be among those given
		if s := a.slot(id); *s&(flagMark|flagOld) == 0 {
			a.forget(s)
		}
	}
	for _, part := range r.rest {
		for _, v := range part {
			if v.inArena() {
				if s := a.of(v); *s&flagMark == 0 && (!a.minor || *s&flagOld == 0) {
					a.forget(s)
				}
			}
		}
	}
}

// everything says whether the next collection must look at old objects too: when more slots are in use than so many
// entries account for, and clearly more than the last such collection left.
func (a *arena) everything(entries int64) bool {
	a.minor = a.aged && (a.used < 2*entries+agedWords || a.used < a.full+a.full/2)
	return !a.minor
}

func (a *arena) reachAll(parts [][]Value) {
	for _, part := range parts {
		for _, v := range part {
			a.reach(v)
		}
	}
}

// reach marks v's object and, when it is new, puts it on the work list.
func (a *arena) reach(v Value) {
	if !v.inArena() {
		return
	}
	s := a.of(v)
	if *s&flagMark != 0 || a.minor && *s&flagOld != 0 {
		return
	}
	*s |= flagMark
	a.work = append(a.work, uint32(v))
}

func (a *arena) drain() {
	for len(a.work) > 0 {
		i := len(a.work) - 1
		id := a.work[i]
		a.work = a.work[:i]
		a.visit(id)
	}
}

// visit reaches what an object holds.
func (a *arena) visit(id uint32) {
	s := a.slot(id)
	k := Kind(*s >> payloadBits)
	if *s&flagBody == 0 {
		if k == KindCall && *s&flagForgot != 0 {
			a.reach(longCallee(*s))
		}
		if *s&flagAttached != 0 {
			a.reachAttached(id)
		}
		return
	}
	w := a.body(*s)
	a.liveIn[*s&payload48>>placeBits] += int64(len(w))
	switch k {
	case KindCall:
		a.reach(w[2])
		a.reach(w[3])
		if *s&flagAttached != 0 {
			a.reachAttached(id)
		}
	case KindPersistent:
		a.reach(w[1])
	case KindTuple, KindFrozenSet, KindList, KindDict, KindSet:
		for _, it := range a.stored(*s) {
			a.reach(it)
		}
	}
}

func (a *arena) reachAttached(id uint32) {
	for _, t := range a.attached[mk(KindCall, uint64(id))] {
		a.reach(t.Args)
	}
}

// forget takes what the object with slot s holds away, marks it, and makes it old. All that it still leads to then is the
// callable of a call, which forgets too unless it is marked.
func (a *arena) forget(s *uint64) {
	for {
		keep := *s & payload48
		flags := uint64(flagMark | flagOld | flagForgot)
		if a.minor {
			flags &^= flagMark // being old keeps it: see sweepYoung
		}
		k := Kind(*s >> payloadBits)
		switch {
		case k == KindCall:
			if *s&flagBody != 0 {
				keep = shortCallee(a.body(*s)[2])
			}
		case k == KindPersistent:
			keep = 0
		case k == KindBytearray:
			if *s&flagBody != 0 {
				keep = uint64(a.body(*s)[2])
			} else {
				flags &^= flagForgot
			}
		case *s&flagBody != 0:
			keep = a.size(*s)
		}
		*s = *s&^(payload48|flagBody) | flags | keep&payload48
		if k != KindCall {
			return
		}
		callee := longCallee(*s)
		if !callee.inArena() {
			return
		}
		if s = a.of(callee); *s&flagMark != 0 || a.minor && *s&flagOld != 0 {
			return
		}
	}
}
