package opcodes

// The arena holds containers and call results as blocks of words. A block begins with a header word: kind (8 bits),
// flags (8 bits), n (48 bits). Blocks never move, so a Value stays the same; what stack and memo no longer reach is
// swept and its words used again.
//
//	tuple, frozenset   header(n items) items...            (as many as limit are kept)
//	list, set          header(n items) place of contents
//	dict               header(n pairs) place of contents
//	contents           header(n words of room) items...    (kindBlock)
//	call               header(offset of the opcode) callable args
//	persistent         header(offset) id
//	bytearray          header(offset) 0
const (
	chunkWords = 32 << 10 // 256 KiB
	maxClass   = 80       // free blocks up to this size have a list of their own

	nBits = 48
	nMask = 1<<nBits - 1
)

// Flags of a header.
const (
	flagMark       = 1 << iota // reached by the collector
	flagUnhashable             // a tuple with something unhashable in it
	flagNonStrKey              // a dict with a key that is certainly no str
	flagAttached               // there is an entry in arena.attached
	flagMutated                // what an opcode wrote to and the arena did not keep
	flagForget                 // the sweep that is coming makes it forget its items
	flagForgot                 // the items, or a call's arguments, are gone
	flagOld                    // minor collections leave it alone
)

type arena struct {
	limit    int                    // items (pairs) kept of each container
	chunks   [][]uint64             // nil where one was given back
	spare    []int                  // indices of those
	idle     [][]uint64             // chunks that were given back, to be used again
	cur      int                    // the chunk with the region [fill, end) that new blocks come from
	fill     int                    //
	end      int                    //
	free     [maxClass + 1]uint64   // places of free blocks by size, linked by their second word
	runs     []uint64               // places of larger free blocks
	words    int64                  // in all chunks
	since    int64                  // words handed out since the last collection
	live     int64                  // words that survived it
	attached map[Value][]Attachment // Options.Contents: what opcodes gave to call results
	collector
}

func header(k Kind, flags uint8, n uint64) uint64 {
	return uint64(k)<<payloadBits | uint64(flags)<<nBits | n&nMask
}

func place(chunk, off int) uint64 { return uint64(chunk)<<32 | uint64(off) }

func (a *arena) at(p uint64) []uint64 { return a.chunks[p>>32][uint32(p):] }

// alloc gives size >= 2 words, not cleared. It never fails: the machine holds words against its budget.
func (a *arena) alloc(size int) uint64 {
	a.since += int64(size)
	if size <= maxClass {
		if p := a.free[size]; p != 0 {
			a.free[size] = a.at(p)[1]
			return p
		}
		if p := a.split(size); p != 0 {
			return p
		}
	}
	if a.fill+size > a.end {
		a.region(size)
	}
	p := place(a.cur, a.fill)
	a.fill += size
	return p
}

// split takes size words from a somewhat larger free block, so that a single word is left only if it must.
func (a *arena) split(size int) uint64 {
	have := size + 2
	for have <= min(size+8, maxClass) && a.free[have] == 0 {
		have++
	}
	if have > min(size+8, maxClass) {
		if have = size + 1; have > maxClass || a.free[have] == 0 {
			return 0
		}
	}
	p := a.free[have]
	a.free[have] = a.at(p)[1]
	a.release(int(p>>32), int(uint32(p))+size, have-size)
	return p
}

// region finds room for size words and gives the rest of the old region back.
func (a *arena) region(size int) {
	a.release(a.cur, a.fill, a.end-a.fill)
	if i := len(a.runs) - 1; i >= 0 && size <= maxClass {
		p := a.runs[i]
		a.runs = a.runs[:i]
		a.cur, a.fill = int(p>>32), int(uint32(p))
		a.end = a.fill + int(a.at(p)[0]&nMask)
		return
	}
	chunk := a.chunk(size)
	a.words += int64(len(chunk))
	a.fill, a.end = 0, len(chunk)
	if i := len(a.spare) - 1; i >= 0 {
		a.cur, a.spare = a.spare[i], a.spare[:i]
		a.chunks[a.cur] = chunk
		return
	}
	if len(a.chunks) == 0 { // place 0 means none: chunk 0 is never used
		a.chunks = append(a.chunks, nil)
	}
	a.cur = len(a.chunks)
	a.chunks = append(a.chunks, chunk)
}

// chunk gives one of at least size words, a used one if possible.
func (a *arena) chunk(size int) []uint64 {
	if i := len(a.idle) - 1; i >= 0 && size <= chunkWords {
		c := a.idle[i]
		a.idle = a.idle[:i]
		return c
	}
	return make([]uint64, max(chunkWords, size))
}

// release puts n words on the free lists. A single word cannot be linked: it stays until its
// neighbours are swept too. Nor are those of a closed chunk used again, which minor collections do not look at.
func (a *arena) release(chunk, off, n int) {
	if n == 0 {
		return
	}
	w := a.chunks[chunk][off:]
	w[0] = header(kindFree, 0, uint64(n))
	switch {
	case n == 1, chunk < len(a.closed) && a.closed[chunk]:
	case n <= maxClass:
		w[1] = a.free[n]
		a.free[n] = place(chunk, off)
	default:
		a.runs = append(a.runs, place(chunk, off))
	}
}

// sizeOf gives the words of the block that begins with header h.
func (a *arena) sizeOf(h uint64) int {
	k := Kind(h >> payloadBits)
	switch {
	case k >= kindBlock:
		return int(h&nMask) + int(kindFree-k)
	case h>>nBits&flagForgot != 0:
		return forgotSize[k]
	case k == KindTuple || k == KindFrozenSet:
		return max(2, 1+int(min(h&nMask, uint64(a.limit))))
	case k == KindCall:
		return 3
	}
	return 2
}

// forgotSize is what is left of a block that forgot: a call keeps its callable.
var forgotSize = [numKinds]int{
	KindTuple: 1, KindList: 1, KindDict: 1, KindSet: 1, KindFrozenSet: 1, KindPersistent: 1, KindCall: 2,
}

// stored gives the words of items that a container keeps, whose block w begins with its header.
func (a *arena) stored(w []uint64) []uint64 {
	if w[0]>>nBits&flagForgot != 0 {
		return nil
	}
	n := int(min(w[0]&nMask, uint64(a.limit)))
	switch Kind(w[0] >> payloadBits) {
	case KindTuple, KindFrozenSet:
		return w[1 : 1+n]
	case KindDict:
		n *= 2
	}
	if n == 0 {
		return nil
	}
	return a.at(w[1])[1 : 1+n]
}

// tuple makes a tuple or frozenset of items.
func (a *arena) tuple(k Kind, flags uint8, items []Value) Value {
	if len(items) == 0 && k == KindTuple {
		return emptyTuple
	}
	h := header(k, flags, uint64(len(items)))
	p := a.alloc(a.sizeOf(h))
	w := a.at(p)
	w[0], w[1] = h, 0
	for i, v := range items[:min(len(items), a.limit)] {
		w[1+i] = uint64(v)
	}
	return mk(k, p)
}

// pair makes a block of two words: an empty container, a persistent object, a bytearray.
func (a *arena) pair(k Kind, n, word uint64) Value {
	p := a.alloc(2)
	w := a.at(p)
	w[0], w[1] = header(k, 0, n), word
	return mk(k, p)
}

func (a *arena) call(off int64, callee, args Value) Value {
	p := a.alloc(3)
	w := a.at(p)
	w[0], w[1], w[2] = header(KindCall, 0, uint64(off)), uint64(callee), uint64(args)
	return mk(KindCall, p)
}

// extend adds items (keys and values in turn, for a dict) to a list, set or dict, keeping what the limit allows.
func (a *arena) extend(v Value, items []Value) {
	w := a.at(v.payload())
	per := 1
	if v.Kind() == KindDict {
		per = 2
	}
	n := int(w[0] & nMask)
	if w[0]>>nBits&flagForgot != 0 {
		w[0] += uint64(len(items) / per)
		return
	}
	have := min(n, a.limit) * per
	add := min(len(items), a.limit*per-have)
	w[0] += uint64(len(items) / per)
	if add <= 0 {
		return
	}
	room := 0
	if w[1] != 0 {
		room = int(a.at(w[1])[0] & nMask)
	}
	if have+add > room {
		a.grow(w, have, max(have+add, min(2*have, a.limit*per), 2))
	}
	to := a.at(w[1])[1+have:]
	for i, it := range items[:add] {
		to[i] = uint64(it)
	}
}

// grow moves the have items of the container at w to a block with more room.
func (a *arena) grow(w []uint64, have, room int) {
	p := a.alloc(room + 1)
	to := a.at(p)
	to[0] = header(kindBlock, 0, uint64(room))
	if old := w[1]; old != 0 {
		from := a.at(old)
		copy(to[1:], from[1:1+have])
		a.release(int(old>>32), int(uint32(old)), int(from[0]&nMask)+1)
	}
	w[1] = p
}
