package opcodes

// sweep rebuilds the free lists from what is not alive and gives empty chunks back.
func (a *arena) sweep() {
	clear(a.free[:])
	a.runs = a.runs[:0]
	a.live, a.since = 0, 0
	for len(a.closed) < len(a.chunks) {
		a.closed = append(a.closed, false)
		a.liveIn = append(a.liveIn, 0)
		a.usable = append(a.usable, 0)
	}
	for c := 1; c < len(a.chunks); c++ {
		if a.chunks[c] == nil {
			continue
		}
		if !a.minor || !a.closed[c] { // nothing young lies in a chunk that was closed
			live, usable, young := a.sweepChunk(a.chunks[c])
			a.liveIn[c] = int64(live)
			a.closed[c] = a.aged && !young && (usable < len(a.chunks[c])/4 || int64(usable) == a.usable[c])
			a.usable[c] = int64(usable)
			if a.liveIn[c] > 0 && !a.closed[c] {
				a.list(c)
			}
		}
		if a.live += a.liveIn[c]; a.liveIn[c] == 0 {
			a.giveBack(c)
		}
	}
	if !a.minor {
		a.full = a.live
	}
}

func (a *arena) giveBack(c int) {
	a.words -= int64(len(a.chunks[c]))
	if len(a.chunks[c]) == chunkWords {
		a.idle = append(a.idle, a.chunks[c])
	}
	a.chunks[c] = nil
	a.spare = append(a.spare, c)
	a.closed[c], a.usable[c] = false, 0
}

// sweepChunk makes one free block of each run of dead ones. It gives the number of words alive, and of those free in
// blocks that can be used again, and whether there are blocks that the next collection must look at.
func (a *arena) sweepChunk(chunk []uint64) (live, usable int, young bool) {
	dead := 0 // words before off
	for off := 0; off < len(chunk); {
		h := chunk[off]
		size := a.sizeOf(h)
		f := h >> nBits
		if f&flagMark == 0 && !(a.minor && f&flagOld != 0 && h>>payloadBits < uint64(kindBlock)) {
			off, dead = off+size, dead+size
			continue
		}
		if dead > 0 {
			chunk[off-dead] = header(kindFree, 0, uint64(dead))
			usable += dead &^ 1
			dead = 0
		}
		h &^= flagMark << nBits
		if f&flagForget != 0 {
			h = forgotten(h)
			dead = size - a.sizeOf(h)
		}
		chunk[off] = h
		young = young || h>>nBits&flagOld == 0
		live += size - dead
		off += size
	}
	if dead > 0 {
		chunk[len(chunk)-dead] = header(kindFree, 0, uint64(dead))
	}
	return live, usable + dead, young
}

// list puts the free blocks of a chunk that was swept on the free lists.
func (a *arena) list(c int) {
	chunk := a.chunks[c]
	for off := 0; off < len(chunk); {
		n := a.sizeOf(chunk[off])
		if Kind(chunk[off]>>payloadBits) == kindFree {
			a.release(c, off, n)
		}
		off += n
	}
}

// forgotten is the header of a block that has grown old. A bytearray has nothing to forget.
func forgotten(h uint64) uint64 {
	h &^= flagForget << nBits
	h |= flagOld << nBits
	if Kind(h>>payloadBits) != KindBytearray {
		h |= flagForgot << nBits
	}
	return h
}
