package integrity

import (
	"encoding/binary"
	"sync"

	"lukechampine.com/blake3/guts"
)

// leafSize is the length of a leaf in bytes: BLAKE3's usual output.
const leafSize = 32

// leafOf is the BLAKE3 of a chunk, a whole one or what is left at a file's end. The library's own way starts a goroutine for
// each subtree and hashes the last KiB apart, which for so short an input costs more than it gives, and the cores have other
// chunks to hash.
func leafOf(chunk []byte) [leafSize]byte {
	if len(chunk) != ChunkSize {
		return shortLeaf(chunk)
	}
	return wholeLeaf((*[ChunkSize]byte)(chunk))
}

const (
	subtree  = guts.MaxSIMD * guts.ChunkSize // bytes that are hashed side by side
	subtrees = ChunkSize / subtree
)

// wholeLeaf hashes the subtrees of a chunk one after the other, and joins them pair by pair: their number is a power of
// two, so that BLAKE3's tree over them is a full one.
func wholeLeaf(chunk *[ChunkSize]byte) [leafSize]byte {
	var values [subtrees][8]uint32 // chaining values
	for i := range values {
		part := (*[subtree]byte)(chunk[i*subtree:])
		values[i] = guts.ChainingValue(guts.CompressBuffer(part, subtree, &guts.IV, uint64(i)*guts.MaxSIMD, 0))
	}
	for n := subtrees; n > 2; n /= 2 {
		for i := range n / 2 {
			values[i] = guts.ChainingValue(guts.ParentNode(values[2*i], values[2*i+1], &guts.IV, 0))
		}
	}
	return digest(guts.ParentNode(values[0], values[1], &guts.IV, guts.FlagRoot))
}

// shortLeaf hashes less than a chunk: the subtrees before the last one are whole and are joined as soon as two of a size
// stand side by side, and the last one, of whatever length, is joined to what is left of them, from right to left.
func shortLeaf(b []byte) [leafSize]byte {
	var left [subtrees][8]uint32 // chaining values of the whole subtrees, joined, the largest first
	n, before := 0, uint64(0)
	for ; len(b) > subtree; b = b[subtree:] {
		cv := guts.ChainingValue(guts.CompressBuffer((*[subtree]byte)(b), subtree, &guts.IV, before*guts.MaxSIMD, 0))
		before++
		for pairs := before; pairs%2 == 0; pairs /= 2 {
			n--
			cv = guts.ChainingValue(guts.ParentNode(left[n], cv, &guts.IV, 0))
		}
		left[n] = cv
		n++
	}
	node := lastSubtree(b, before*guts.MaxSIMD)
	for n--; n >= 0; n-- {
		node = guts.ParentNode(left[n], guts.ChainingValue(node), &guts.IV, 0)
	}
	node.Flags |= guts.FlagRoot
	return digest(node)
}

// lastSubtree hashes at most a subtree, whose first KiB is the one with that number.
func lastSubtree(b []byte, number uint64) guts.Node {
	if len(b) <= guts.ChunkSize {
		return guts.CompressChunk(b, &guts.IV, number, 0)
	}
	room := rooms.Get().(*[subtree]byte)
	defer rooms.Put(room)
	return guts.CompressBuffer(room, copy(room[:], b), &guts.IV, number, 0)
}

// rooms are what a last subtree is copied into: the library takes whole ones. On a goroutine's stack it would make that grow
// for each small file. What another file has left behind the end is not looked at.
var rooms = sync.Pool{New: func() any { return new([subtree]byte) }}

// digest is the first 32 bytes of a root's output.
func digest(root guts.Node) (leaf [leafSize]byte) {
	words := guts.CompressNode(root)
	for i := range leafSize / 4 {
		binary.LittleEndian.PutUint32(leaf[4*i:], words[i])
	}
	return leaf
}
