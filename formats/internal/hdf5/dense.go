package hdf5

import (
	"math/bits"

	"trustfs/formats/internal/cursor"
)

// maxRecords bounds the links or attributes of one object that are stored densely.
const maxRecords = 200_000

// Types of B-trees of version 2 that index links and attributes by name, and where in their records the heap ID is.
var recordIDs = map[uint8]struct{ at, size int }{5: {4, 7}, 8: {0, 8}}

// dense visits what an object stores in a fractal heap, indexed by a B-tree of version 2. c stands at the heap's address.
func (f *file) dense(o object, c *cursor.Cursor, visit func([]byte), what string) {
	heapAddr, treeAddr := f.offset(c), f.offset(c)
	if c.Err() != nil || f.undefined(heapAddr) {
		return
	}
	h, err := f.fractalHeap(heapAddr)
	if err != nil {
		c.Fail("fractal heap: %v", err)
		return
	}
	if h.filtered {
		f.v.Unknown(o.path, what+" in a filtered heap")
		return
	}
	ids, err := f.records(treeAddr)
	if err != nil {
		c.Fail("index of %s: %v", what, err)
		return
	}
	for _, id := range ids {
		b, err := h.get(id)
		switch {
		case err != nil:
			c.Fail("%s: %v", what, err)
			return
		case b == nil:
			f.v.Unknown(o.path, what+" stored as huge objects")
		default:
			visit(b)
		}
	}
}

// denseLink and denseAttribute read a message body out of a heap.
func (f *file) denseLink(o object, b []byte) { f.inMemory(o, b, f.link) }

func (f *file) denseAttribute(o object, b []byte) { f.inMemory(o, b, f.attribute) }

func (f *file) inMemory(o object, b []byte, read func(object, *cursor.Cursor)) {
	c := cursor.New(bytesAt(b), 0, int64(len(b)))
	if read(o, c); c.Err() != nil {
		f.v.Unknown(o.path, "a link or attribute that does not parse")
	}
}

// records returns the heap IDs of a B-tree of version 2.
func (f *file) records(addr uint64) (ids [][]byte, err error) {
	c := f.at(addr)
	want(c, "BTHD")
	c.Skip(1)
	kind := c.U8()
	nodeSize, recordSize := uint64(c.U32()), uint64(c.U16())
	depth := int(c.U16())
	c.Skip(2)
	root, n := f.offset(c), uint64(c.U16())
	id, known := recordIDs[kind]
	if c.Err() == nil && (!known || recordSize < uint64(id.at+id.size) || nodeSize < 32 || nodeSize > 1<<20 || depth > 16) {
		c.Fail("a tree of kind %d, records of %d, nodes of %d bytes, depth %d", kind, recordSize, nodeSize, depth)
	}
	if c.Err() != nil || f.undefined(root) {
		return nil, c.Err()
	}
	t := &tree{f: f, nodeSize: nodeSize, recordSize: recordSize, at: id.at, size: id.size}
	t.limits(depth)
	t.node(c, root, n, depth)
	return t.ids, c.Err()
}

// tree is a walk over a B-tree of version 2.
type tree struct {
	f                    *file
	nodeSize, recordSize uint64
	at, size             int // of the heap ID in a record
	countSize            int // bytes of a child's record count
	totalSize            []int
	ids                  [][]byte
	nodes                int
}

// limits computes the sizes of the counts in child pointers: each is as wide as the most it may have to hold.
func (t *tree) limits(depth int) {
	const prefix = 4 + 1 + 1 + 4
	most := (t.nodeSize - prefix) / t.recordSize
	t.countSize = width(most)
	t.totalSize = make([]int, depth+1)
	total := most
	for d := 1; d <= depth; d++ {
		pointer := uint64(t.f.offsetSize + t.countSize + t.totalSize[d-1])
		n := (t.nodeSize - min(prefix+pointer, t.nodeSize)) / (t.recordSize + pointer)
		hi, lo := bits.Mul64(n+1, total)
		if hi != 0 || lo > 1<<56 {
			lo = 1 << 56
		}
		total = lo + n
		t.totalSize[d] = width(total)
	}
}

// width is the bytes that hold numbers up to n.
func width(n uint64) int { return (max(bits.Len64(n), 1)-1)/8 + 1 }

// node reads the n records of a node and its children; errors go to c.
func (t *tree) node(c *cursor.Cursor, addr, n uint64, depth int) {
	if t.nodes++; t.nodes > maxNodes || len(t.ids) > maxRecords {
		c.Fail("more than %d nodes or %d records", maxNodes, maxRecords)
	}
	if c.Err() != nil {
		return
	}
	at := t.f.at(addr)
	want(at, map[bool]string{true: "BTLF", false: "BTIN"}[depth == 0])
	at.Skip(2)
	if at.Err() == nil && n > t.nodeSize/t.recordSize {
		at.Fail("%d records in a node of %d bytes", n, t.nodeSize)
	}
	for i := uint64(0); i < n && at.Err() == nil; i++ {
		if r := at.Bytes(t.recordSize, 1<<16); r != nil {
			t.ids = append(t.ids, r[t.at:t.at+t.size])
		}
	}
	for i := uint64(0); depth > 0 && i <= n && at.Err() == nil; i++ {
		child, count := t.f.offset(at), uintN(at, t.countSize)
		at.Skip(uint64(t.totalSize[depth-1]))
		if at.Err() == nil {
			t.node(c, child, count, depth-1)
		}
	}
	if at.Err() != nil && c.Err() == nil {
		c.Fail("tree node: %v", at.Err())
	}
}
