package hdf5

import (
	"bytes"
	"io"
	"math/bits"

	"trustfs/formats/internal/cursor"
)

func bytesAt(b []byte) io.ReaderAt { return bytes.NewReader(b) }

// fractalHeap is a heap that stores links and attributes in blocks of doubling size.
type fractalHeap struct {
	f           *file
	filtered    bool
	maxManaged  uint64
	tableWidth  uint64
	startBlock  uint64
	maxDirect   uint64
	offsetBytes int // of a heap offset
	lengthBytes int // of an object's length
	root        uint64
	rootRows    uint64
	directRows  uint64
	maxHeapBits uint64
}

// fractalHeap reads a heap's header.
func (f *file) fractalHeap(addr uint64) (*fractalHeap, error) {
	c := f.at(addr)
	want(c, "FRHP")
	c.Skip(1)
	c.Skip(2)
	h := &fractalHeap{f: f}
	h.filtered = c.U16() != 0
	c.Skip(1)
	h.maxManaged = uint64(c.U32())
	f.length(c)
	f.offset(c)
	f.length(c)
	f.offset(c)
	for range 8 {
		f.length(c)
	}
	h.tableWidth, h.startBlock, h.maxDirect = uint64(c.U16()), f.length(c), f.length(c)
	h.maxHeapBits = uint64(c.U16())
	c.Skip(2)
	h.root, h.rootRows = f.offset(c), uint64(c.U16())
	if c.Err() == nil && (!powerOfTwo(h.tableWidth) || !powerOfTwo(h.startBlock) || !powerOfTwo(h.maxDirect) ||
		h.maxDirect < h.startBlock || h.maxDirect > 1<<32 || h.tableWidth > 1<<12 || h.maxHeapBits > 64 || h.rootRows > 64) {
		c.Fail("a doubling table of width %d, blocks from %d to %d bytes, %d bits, %d rows", h.tableWidth, h.startBlock, h.maxDirect, h.maxHeapBits, h.rootRows)
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	h.offsetBytes = int(h.maxHeapBits+7) / 8
	h.lengthBytes = min((log2(h.maxDirect)+7)/8, width(h.maxManaged))
	h.directRows = uint64(log2(h.maxDirect)-log2(h.startBlock)) + 2
	return h, nil
}

func powerOfTwo(n uint64) bool { return n != 0 && n&(n-1) == 0 }
func log2(n uint64) int        { return bits.Len64(n) - 1 }

// get returns the object of a heap ID; nil without an error where it is a huge object.
func (h *fractalHeap) get(id []byte) ([]byte, error) {
	c := cursor.New(bytesAt(id), 0, int64(len(id)))
	first := c.U8()
	switch first >> 4 & 3 {
	case 1:
		return nil, nil
	case 2:
		return c.Bytes(uint64(first&0x0f)+1, len(id)), c.Err()
	}
	off, n := uintN(c, h.offsetBytes), uintN(c, h.lengthBytes)
	if c.Err() == nil && (first>>4 != 0 || n > h.maxDirect) {
		c.Fail("heap ID % x", id)
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	if h.rootRows == 0 {
		return h.direct(h.root, off, n, h.startBlock)
	}
	return h.indirect(h.root, h.rootRows, off, n, 0)
}

// direct returns n bytes at off of a direct block: offsets count the block's own header.
func (h *fractalHeap) direct(addr, off, n, size uint64) ([]byte, error) {
	c := h.f.at(addr)
	if got := c.Peek(4); c.Err() == nil && string(got) != "FHDB" {
		c.Fail("%q where a direct block is expected", got)
	}
	if c.Err() == nil && (off > size || n > size-off) {
		c.Fail("%d bytes at %d of a block of %d", n, off, size)
	}
	c.Skip(off)
	return c.Bytes(n, 1<<26), c.Err()
}

// blockSize is the size of a block in a row of the doubling table.
func (h *fractalHeap) blockSize(row uint64) uint64 {
	if row == 0 {
		return h.startBlock
	}
	return h.startBlock << (row - 1)
}

// indirect finds the block that holds off among the rows of an indirect block.
func (h *fractalHeap) indirect(addr, rows, off, n uint64, depth int) ([]byte, error) {
	c := h.f.at(addr)
	want(c, "FHIB")
	c.Skip(1 + uint64(h.f.offsetSize+h.offsetBytes))
	if c.Err() == nil && depth > 8 {
		c.Fail("indirect blocks nested deeper than 8")
	}
	for row := uint64(0); row < rows && row < 60 && c.Err() == nil; row++ {
		size := h.blockSize(row)
		if off >= size*h.tableWidth {
			off -= size * h.tableWidth
			c.Skip(h.tableWidth * uint64(h.f.offsetSize))
			continue
		}
		c.Skip(off / size * uint64(h.f.offsetSize))
		child := h.f.offset(c)
		if c.Err() != nil {
			break
		}
		if row < h.directRows {
			return h.direct(child, off%size, n, size)
		}
		return h.indirect(child, uint64(log2(size)-log2(h.startBlock*h.tableWidth))+1, off%size, n, depth+1)
	}
	c.Fail("offset %d lies in no row", off)
	return nil, c.Err()
}
