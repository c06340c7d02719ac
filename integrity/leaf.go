package integrity

import (
	"encoding/binary"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"
)

// leafSize is the length of a leaf in bytes: BLAKE3's usual output.
const leafSize = 32

// leafOf is the BLAKE3 of a chunk. Whole chunks, which nearly all are, take a way of their own: the library's general one
// starts a goroutine for each subtree and hashes the last KiB apart, which for so short an input costs more than it gives,
// and the cores have other chunks to hash.
func leafOf(chunk []byte) [leafSize]byte {
	if len(chunk) != ChunkSize {
		return blake3.Sum256(chunk)
	}
	return wholeLeaf((*[ChunkSize]byte)(chunk))
}

const (
	subtree  = guts.MaxSIMD * guts.ChunkSize // bytes that are hashed side by side
	subtrees = ChunkSize / subtree
)

// wholeLeaf hashes the subtrees of a chunk one after the other, and joins them pair by pair: their number is a power of
// two, so that BLAKE3's tree over them is a full one.
func wholeLeaf(chunk *[ChunkSize]byte) (leaf [leafSize]byte) {
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
	root := guts.CompressNode(guts.ParentNode(values[0], values[1], &guts.IV, guts.FlagRoot))
	for i := range leafSize / 4 {
		binary.LittleEndian.PutUint32(leaf[4*i:], root[i])
	}
	return leaf
}
