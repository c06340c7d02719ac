package opcodes

// sweepAll frees the slots of all objects that were not reached, the first ones to be used first.
func (a *arena) sweepAll() {
	a.free, a.used, a.young = 0, 0, a.young[:0]
	top := a.top
	for id := int64(top) - 1; id > 0; id-- {
		s := a.slot(uint32(id))
		switch {
		case *s&flagMark != 0:
			*s &^= flagMark
			if a.used++; a.used == 1 {
				top = uint32(id) + 1
			}
		case a.used > 0:
			*s = uint64(a.free)
			a.free = uint32(id)
		}
	}
	if a.used == 0 {
		top = 1
	}
	a.top, a.last = top, nil
	a.young = append(a.young, a.near...)
	a.fresh = a.top
	a.full = a.used
}

// sweepYoung frees the slots of young objects that were not reached. Those near the top of the stack stay young.
func (a *arena) sweepYoung() {
	young := a.young
	a.young = a.young[:0]
	for _, id := range young {
		a.sweepOne(id)
	}
	for id := a.fresh; id < a.top; id++ {
		if id > 0 {
			a.sweepOne(id)
		}
	}
	a.fresh = a.top
}

func (a *arena) sweepOne(id uint32) {
	s := a.slot(id)
	switch {
	case *s&flagOld != 0:
	case *s&flagMark != 0:
		*s &^= flagMark
		a.young = append(a.young, id)
	default:
		*s = uint64(a.free)
		a.free = id
		a.used--
	}
}

// maxIdle is how many chunks are kept for later once objects are old: what lies near the top, and what is young.
const maxIdle = 48 // 12 MiB

// evacuate moves the bodies of the objects near the top of the stack to new chunks: all others are free then.
func (a *arena) evacuate() {
	free := a.inUse[:0]
	for c := range a.chunks {
		if a.chunks[c] != nil {
			free = append(free, c)
		}
	}
	a.inUse = free
	a.cur, a.fill = nil, 0
	for _, id := range a.near {
		if s := a.slot(id); *s&flagBody != 0 {
			a.move(s, a.body(*s))
		}
	}
	for _, c := range free {
		a.giveBack(c)
	}
	if len(a.idle) > maxIdle { // what came before objects grew old
		clear(a.idle[maxIdle:])
		a.idle = a.idle[:maxIdle]
	}
}

// move copies a body to where there is room.
func (a *arena) move(s *uint64, w []Value) {
	at, to := a.room(len(w))
	copy(to, w)
	*s = *s&^payload48 | at
}

// compactable says whether dead bodies take more than a quarter of what was handed out, and gives back chunks that hold
// nothing alive.
func (a *arena) compactable() bool {
	fill, live := int64(0), int64(0)
	for c, n := range a.liveIn {
		switch {
		case a.chunks[c] == nil:
		case n == 0:
			a.giveBack(c)
		default:
			fill += int64(a.fills[c])
			live += n
		}
	}
	return fill-live > fill/4
}

// compact slides the bodies that are alive together. Chunks of another size stay: the first few, and those of one large body.
func (a *arena) compact() {
	var usual []int
	for c := range a.chunks {
		if len(a.chunks[c]) == chunkWords {
			usual = append(usual, c)
		}
	}
	into, fill := 0, 0 // of usual; the next word
	for i, c := range usual {
		from := a.chunks[c]
		for off := 0; off < a.fills[c]; {
			n := sizeOf(from[off])
			s := a.slot(uint32(from[off] >> 32))
			if place := uint64(c)<<placeBits | uint64(off); *s&(flagMark|flagBody) == flagMark|flagBody && *s&payload48 == place {
				if fill+n > chunkWords {
					a.fills[usual[into]] = fill
					into, fill = into+1, 0
				}
				if into != i || fill != off {
					copy(a.chunks[usual[into]][fill:fill+n], from[off:off+n])
					*s = *s&^payload48 | uint64(usual[into])<<placeBits | uint64(fill)
				}
				fill += n
			}
			off += n
		}
	}
	if len(usual) == 0 {
		return
	}
	a.fills[usual[into]] = fill
	for _, c := range usual[into+1:] {
		a.giveBack(c)
	}
	a.cur, a.curAt, a.fill = a.chunks[usual[into]], usual[into], fill
}

// account notes what is alive and when the next collection is due: after about as many words as it will have to look at.
func (a *arena) account(entries int64) {
	a.live = a.used
	if a.cur != nil {
		a.fills[a.curAt] = a.fill
	}
	for c := range a.chunks {
		if a.chunks[c] != nil {
			a.live += int64(a.fills[c])
		}
	}
	a.since = 0
	switch {
	case a.aged:
		a.dueAt = agedWords
	case a.forgets:
		a.dueAt = max(collectWords, min(a.live/2, a.forgetAt/4), entries/2)
	default:
		a.dueAt = max(collectWords, a.live/2, entries/2)
	}
}
