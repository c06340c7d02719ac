package opcodes

// tuple makes a tuple or frozenset of items.
func (a *arena) tuple(k Kind, flags uint64, items []Value) Value {
	n := len(items)
	if n == 0 {
		if k == KindTuple {
			return emptyTuple
		}
		return a.bare(k, 0)
	}
	if n > a.limit {
		return a.longTuple(k, flags, items)
	}
	v, w := a.make(k, flags, 1+n)
	copy(w[1:], items)
	return v
}

func (a *arena) longTuple(k Kind, flags uint64, items []Value) Value {
	v, w := a.make(k, flags, 2+a.limit)
	w[0] |= flagLong
	w[len(w)-1] = Value(len(items))
	copy(w[1:], items[:a.limit])
	return v
}

// bare makes an object without a body: an empty container, a bytearray that begins at offset n.
func (a *arena) bare(k Kind, n uint64) Value {
	a.since += 2
	return mk(k, uint64(a.add(word(k, n&payload48))))
}

func (a *arena) persistent(id Value) Value {
	v, w := a.make(KindPersistent, 0, 2)
	w[1] = id
	return v
}

func (a *arena) call(off int64, callee, args Value) Value {
	if args == emptyTuple && callee.Kind() == KindGlobal {
		a.since++
		return mk(KindCall, uint64(a.add(word(KindCall, flagNoArgs|shortCallee(callee)))))
	}
	v, w := a.make(KindCall, 0, 4)
	w[1], w[2], w[3] = Value(off), callee, args
	return v
}

// size gives the items (pairs) that a container has, kept or not.
func (a *arena) size(s uint64) uint64 {
	if s&flagBody == 0 {
		return s & payload48
	}
	w := a.body(s)
	switch Kind(s >> payloadBits) {
	case KindTuple, KindFrozenSet:
		if w[0]&flagLong != 0 {
			return uint64(w[len(w)-1])
		}
		return uint64(len(w) - 1)
	}
	return uint64(w[1])
}

// stored gives the items that a container keeps.
func (a *arena) stored(s uint64) []Value {
	w := a.body(s)
	if w == nil {
		return nil
	}
	k := Kind(s >> payloadBits)
	if k == KindTuple || k == KindFrozenSet {
		if w[0]&flagLong != 0 {
			return w[1 : len(w)-1 : len(w)-1]
		}
		return w[1:]
	}
	n := int(min(uint64(w[1]), uint64(a.limit)))
	if k == KindDict {
		n *= 2
	}
	return w[2 : 2+n : 2+n]
}

// extend adds items (keys and values in turn, for a dict) to a list, set or dict, keeping what the limit allows.
func (a *arena) extend(v Value, items []Value) {
	s := a.of(v)
	per := 1
	if v.Kind() == KindDict {
		per = 2
	}
	more := uint64(len(items) / per)
	if *s&flagForgot != 0 {
		*s = *s&^payload48 | (*s+more)&payload48
		return
	}
	var w []Value
	have := 0
	if *s&flagBody != 0 {
		w = a.body(*s)
		have = int(min(uint64(w[1]), uint64(a.limit))) * per
	}
	add := min(len(items), a.limit*per-have)
	if have+add > len(w)-2 && add > 0 {
		w = a.grow(s, uint32(v), w, have, max(have+add, min(2*have, a.limit*per), 2))
	}
	if w == nil {
		return // nothing given to an empty one
	}
	w[1] += Value(more)
	copy(w[2+have:], items[:max(add, 0)])
}

// first is extend by one item (n is 1) or pair (2), quickly for what holds nothing yet. False if it does, or
// forgot, or is frozen.
func (a *arena) first(v Value, items []Value) bool {
	s := a.of(v)
	if *s&(flagForgot|flagBody|flagFrozen) != 0 || a.limit < 1 {
		return false
	}
	at, w := a.room(4) // as grow makes it
	w[0], w[1], w[2] = header(uint32(v), 4), 1, items[0]
	if len(items) > 1 {
		w[3] = items[1]
	}
	*s = *s&^payload48 | flagBody | at
	return true
}

// grow moves the have items of the container with slot s to a body with more room.
func (a *arena) grow(s *uint64, id uint32, old []Value, have, room int) []Value {
	at, w := a.room(2 + room)
	w[0], w[1] = header(id, 2+room), 0
	if old != nil {
		copy(w[1:], old[1:2+have])
	}
	*s = *s&^payload48 | flagBody | at
	return w
}

// added notes n bytes given to the bytearray v, which had length of them.
func (a *arena) added(v Value, length, n int64) {
	s := a.of(v)
	switch {
	case *s&flagForgot != 0: // its length alone is left
		*s = *s&^payload48 | (*s+uint64(n))&payload48
	case *s&flagBody != 0:
		a.body(*s)[2] += Value(n)
	default:
		off := *s & payload48
		at, w := a.room(3)
		w[0], w[1], w[2] = header(uint32(v), 3), Value(off), Value(length+n)
		*s = *s&^payload48 | flagBody | at
	}
	*s |= flagMutated
}

// A shortCallee is what a call that forgot its arguments keeps of its callable, in 48 bits: the kind (5) and the payload.
// Of a call's result it keeps the kind alone, or chains of calls would live as long as their end.
func shortCallee(callee Value) uint64 {
	k := callee.Kind()
	if k == KindCall {
		return uint64(k) << 43
	}
	return uint64(k)<<43 | callee.payload()&(1<<43-1)
}

func longCallee(s uint64) Value { return mk(Kind(s&payload48>>43), s&(1<<43-1)) }
