package hdf5

import (
	"bytes"

	"trustfs/formats/internal/cursor"
)

const (
	maxName  = 64 << 10
	maxPath  = 4096
	maxNodes = 100_000 // of one group's tree
)

func join(path, name string) string {
	if path != "" {
		name = path + "/" + name
	}
	return name[:min(len(name), maxPath)]
}

// symbolTable visits a group of the old kind: a B-tree of version 1 whose leaves are symbol nodes, with names in a local
// heap. c gets the error.
func (f *file) symbolTable(o object, c *cursor.Cursor, tree, heapAddr uint64) {
	heap, err := f.localHeap(heapAddr)
	if err != nil {
		c.Fail("local heap: %v", err)
		return
	}
	queue, seen := []uint64{tree}, map[uint64]bool{tree: true}
	for len(queue) > 0 {
		addr := queue[0]
		queue = queue[1:]
		n := f.at(addr)
		if string(n.Peek(4)) == "SNOD" {
			f.symbols(o, n, heap)
		} else {
			for _, child := range f.treeChildren(n) {
				if !seen[child] && len(seen) < maxNodes {
					seen[child] = true
					queue = append(queue, child)
				}
			}
		}
		if n.Err() != nil || len(seen) >= maxNodes {
			c.Fail("group tree: %v (%d nodes)", n.Err(), len(seen))
			return
		}
	}
}

// heapSegment is the data of a local heap.
type heapSegment struct{ start, size uint64 }

func (f *file) localHeap(addr uint64) (heapSegment, error) {
	c := f.at(addr)
	want(c, "HEAP")
	c.Skip(4)
	size := f.length(c)
	f.length(c)
	return heapSegment{f.offset(c), size}, c.Err()
}

// name reads the NUL-terminated string at an offset of a local heap; errors go to c.
func (f *file) name(c *cursor.Cursor, h heapSegment, off uint64) string {
	if off >= h.size {
		c.Fail("name at %d of a heap of %d bytes", off, h.size)
		return ""
	}
	at := f.at(h.start)
	at.Skip(off)
	b := at.Bytes(min(h.size-off, uint64(max(at.Len(), 0)), maxName), maxName)
	end := bytes.IndexByte(b, 0)
	if at.Err() != nil || end < 0 {
		c.Fail("a name without an end")
		return ""
	}
	return string(b[:end])
}

// treeChildren reads a group node of a B-tree of version 1.
func (f *file) treeChildren(c *cursor.Cursor) (children []uint64) {
	want(c, "TREE")
	if kind := c.U8(); c.Err() == nil && kind != 0 {
		c.Fail("a tree of kind %d in a group", kind)
	}
	c.Skip(1)
	n := c.U16()
	f.offset(c)
	f.offset(c)
	f.length(c)
	for i := uint16(0); i < n && c.Err() == nil; i++ {
		children = append(children, f.offset(c))
		f.length(c)
	}
	return children
}

// symbols reads a symbol node's entries.
func (f *file) symbols(o object, c *cursor.Cursor, heap heapSegment) {
	want(c, "SNOD")
	c.Skip(2)
	n := c.U16()
	for i := uint16(0); i < n && c.Err() == nil; i++ {
		nameAt, addr := f.offset(c), f.offset(c)
		kind := c.U32()
		c.Skip(4 + 16)
		name := f.name(c, heap, nameAt)
		if c.Err() == nil && kind != 2 { // 2 is a symbolic link, which stays in the file
			f.add(join(o.path, name), addr)
		}
	}
}

// Types of links.
const (
	linkHard     = 0
	linkSoft     = 1
	linkExternal = 64
)

// link reads a link message.
func (f *file) link(o object, c *cursor.Cursor) {
	version, flags := c.U8(), c.U8()
	if c.Err() == nil && version != 1 {
		f.v.Unknown(o.path, "a link of a later version")
		return
	}
	kind := uint8(linkHard)
	if flags&0x08 != 0 {
		kind = c.U8()
	}
	if flags&0x04 != 0 {
		c.Skip(8)
	}
	if flags&0x10 != 0 {
		c.Skip(1)
	}
	name := join(o.path, string(c.Bytes(uintN(c, 1<<(flags&3)), maxName)))
	switch kind {
	case linkHard:
		if addr := f.offset(c); c.Err() == nil {
			f.add(name, addr)
		}
	case linkSoft:
	case linkExternal:
		target := c.Bytes(uint64(c.U16()), maxName)
		f.v.External(name, "link", string(bytes.ReplaceAll(bytes.Trim(target, "\x00"), []byte{0}, []byte(" "))))
	default:
		f.v.Unknown(name, "a link of a user-defined kind")
	}
}

// linkInfo reports links that are stored densely.
func (f *file) linkInfo(o object, c *cursor.Cursor) {
	c.Skip(1)
	if flags := c.U8(); flags&0x01 != 0 {
		c.Skip(8)
	}
	f.dense(o, c, func(b []byte) { f.denseLink(o, b) }, "links")
}

// attrInfo reports attributes that are stored densely.
func (f *file) attrInfo(o object, c *cursor.Cursor) {
	c.Skip(1)
	if flags := c.U8(); flags&0x01 != 0 {
		c.Skip(2)
	}
	f.dense(o, c, func(b []byte) { f.denseAttribute(o, b) }, "attributes")
}
