package opcodes

// The arena holds containers and call results. Each has a slot, one word in pages that never move: a Value names the
// slot, so that it stays the same while its contents move or are forgotten. What a slot's object holds is its body, some
// words in a chunk; an empty container has none, and neither has an object that forgot what it held.
//
//	slot        kind (8 bits) flags (8 bits) then, with flagBody, the place of the body: chunk (32 bits) word (16 bits)
//	            without: a container's items, a call's callee (see shortCallee), the offset of a bytearray
//	body        slot (32 bits) words of the body (32 bits), then
//	tuple       items... [n]                     (as many as limit are kept; n if there are more: flagLong)
//	frozenset   the same
//	list, set   n items... room
//	dict        n (pairs) keys and values... room
//	call        offset of the opcode, callee, args
//	persistent  id
//	bytearray   offset of the opcode, bytes (only once something was added)
const (
	chunkWords = 32 << 10 // 256 KiB
	firstChunk = 1 << 10  // 8 KiB: most pickles are small, and an arena is made for each
	slotPage   = 2 << 10  // 16 KiB

	payload48 = 1<<48 - 1
	placeBits = 16
	placeMask = 1<<placeBits - 1
)

// Flags of a slot.
const (
	flagMark       = 1 << (48 + iota) // reached by the collector
	flagUnhashable                    // a tuple with something unhashable in it
	flagNonStrKey                     // a dict with a key that is certainly no str
	flagAttached                      // there is an entry in arena.attached
	flagMutated                       // what an opcode wrote to and the arena did not keep
	flagForgot                        // the items, or a call's arguments, are gone
	flagOld                           // minor collections leave it alone
	flagBody                          // the payload is the place of a body
)

// flagNoArgs says that a call of a name has no arguments: it needs no body.
const flagNoArgs = flagNonStrKey

// flagFrozen says that somebody relies on a list, dict or set staying as it is: see Machine.Freeze.
const flagFrozen = flagUnhashable

// flagBuilt says that BUILD gave a state to what a call gave.
const flagBuilt = flagUnhashable

// flagNoted is whoever asks's own mark on what a persistent id gave: see Machine.Note.
const flagNoted = flagUnhashable

// flagLong, in the header of a tuple's body, says that its last word is the number of items.
const flagLong = 1 << 31

type arena struct {
	limit    int                    // items (pairs) kept of each container
	slots    []*[slotPage]uint64    // slot 0 is nothing's
	top      uint32                 // slots from here on were never used
	last     *[slotPage]uint64      // the page of slot top, unless that is the first of one
	free     uint32                 // a free slot that names the next one, or 0
	used     int64                  // slots in use
	fresh    uint32                 // slots from here on were never used before the last collection
	young    []uint32               // others that were handed out since, once some are old
	chunks   [][]Value              // nil where one was given back
	fills    []int                  // words handed out of each
	spare    []int                  // indices of chunks that were given back
	idle     [][]Value              // those chunks, to be used again
	cur      []Value                // the chunk that bodies come from
	curAt    int                    // its index
	fill     int                    //
	words    int64                  // in all chunks, slots and attachments
	since    int64                  // words handed out since the last collection
	live     int64                  // words that survived it
	attached map[Value][]Attachment // Options.Contents: what opcodes gave to call results
	collector
}

// header is the first word of a body.
func header(id uint32, size int) Value { return Value(id)<<32 | Value(size) }

func sizeOf(h Value) int { return int(h & (1<<31 - 1)) }

func (a *arena) slot(id uint32) *uint64 { return &a.slots[id/slotPage][id%slotPage] }

func (a *arena) of(v Value) *uint64 { return a.slot(uint32(v)) }

// body gives the words of an object whose slot is s; nil if it has none.
func (a *arena) body(s uint64) []Value {
	if s&flagBody == 0 {
		return nil
	}
	w := a.chunks[s&payload48>>placeBits][s&placeMask:]
	return w[:sizeOf(w[0]):sizeOf(w[0])]
}

func word(k Kind, low uint64) uint64 { return uint64(k)<<payloadBits | low }

// add gives an object a slot that holds w.
func (a *arena) add(w uint64) uint32 {
	id := a.free
	if id == 0 {
		if id = a.top; id%slotPage == 0 || a.last == nil {
			id = a.page()
		}
		a.top = id + 1
		a.last[id%slotPage] = w
	} else {
		s := a.slot(id)
		a.free = uint32(*s)
		*s = w
		if a.aged {
			a.young = append(a.young, id)
		}
	}
	a.used++
	a.since++
	return id
}

// page makes room for more slots and gives the first of them.
func (a *arena) page() uint32 {
	if int(a.top/slotPage) == len(a.slots) {
		a.slots = append(a.slots, new([slotPage]uint64))
		a.words += slotPage
	}
	a.last = a.slots[a.top/slotPage]
	return max(a.top, 1)
}

// make gives an object of kind k a slot and a body of size words, of which the header is set.
func (a *arena) make(k Kind, flags uint64, size int) (Value, []Value) {
	at, w := a.room(size)
	id := a.add(word(k, flags|flagBody|at))
	w[0] = header(id, size)
	return mk(k, uint64(id)), w
}

// room gives size words, not cleared, and their place. It never fails: the machine holds words against its budget.
func (a *arena) room(size int) (uint64, []Value) {
	a.since += int64(size)
	if a.fill+size > len(a.cur) {
		a.open(size)
	}
	at := a.fill
	a.fill += size
	return uint64(a.curAt)<<placeBits | uint64(at), a.cur[at:a.fill:a.fill]
}

// open makes a chunk with room for size words the current one.
func (a *arena) open(size int) {
	if a.cur != nil {
		a.fills[a.curAt] = a.fill
	}
	var c []Value
	if i := len(a.idle) - 1; i >= 0 && size <= chunkWords {
		c, a.idle = a.idle[i], a.idle[:i]
	} else {
		c = make([]Value, max(nextChunk(len(a.chunks)), size))
	}
	a.words += int64(len(c))
	a.cur, a.fill = c, 0
	if i := len(a.spare) - 1; i >= 0 {
		a.curAt, a.spare = a.spare[i], a.spare[:i]
		a.chunks[a.curAt], a.fills[a.curAt] = c, 0
		return
	}
	a.curAt = len(a.chunks)
	a.chunks, a.fills = append(a.chunks, c), append(a.fills, 0)
}

// nextChunk is how many words the chunk after n others has: the first ones are smaller, and are not compacted.
func nextChunk(n int) int {
	if n > 2 {
		return chunkWords
	}
	return firstChunk << (2 * n)
}

// giveBack ends the use of a chunk.
func (a *arena) giveBack(c int) {
	a.words -= int64(len(a.chunks[c]))
	if len(a.chunks[c]) == chunkWords {
		a.idle = append(a.idle, a.chunks[c])
	}
	a.chunks[c] = nil
	a.spare = append(a.spare, c)
	if a.cur != nil && a.curAt == c {
		a.cur, a.fill = nil, 0
	}
}
