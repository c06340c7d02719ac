package hdf5

import (
	"bytes"

	"trustfs/formats/internal/cursor"
)

// Classes of datatypes.
const (
	classString = 3
	classVlen   = 9
)

// attribute reads an attribute message of version 1 to 3.
func (f *file) attribute(o object, c *cursor.Cursor) {
	if f.attrs++; f.attrs > maxAttributes {
		c.Fail("more than %d attributes", maxAttributes)
		return
	}
	version, flags := c.U8(), c.U8()
	nameSize, typeSize, spaceSize := uint64(c.U16()), uint64(c.U16()), uint64(c.U16())
	if version == 3 {
		c.Skip(1)
	}
	if c.Err() == nil && (version < 1 || version > 3) {
		c.Fail("attribute version %d: 1 to 3 are known", version)
	}
	pad := func(n uint64) uint64 {
		if version == 1 {
			return (n + 7) &^ 7
		}
		return n
	}
	name, _, _ := bytes.Cut(c.Bytes(pad(nameSize), maxName), []byte{0})
	typ := c.Bytes(pad(typeSize), maxName)
	space := c.Bytes(pad(spaceSize), maxName)
	if c.Err() != nil {
		return
	}
	if version > 1 && flags != 0 {
		f.v.Attribute(o.path, string(name), "", false)
		f.v.Unknown(o.path, "the attribute "+string(name)+", whose type is stored in another place")
		return
	}
	f.attributeValue(o, string(name), typ, space, c)
}

// attributeValue reads a string value; the elements of a list are joined by spaces.
func (f *file) attributeValue(o object, name string, typ, space []byte, c *cursor.Cursor) {
	elements, ok := f.elements(space)
	if len(typ) < 8 || !ok {
		c.Fail("the attribute %.80q has a broken type or dataspace", name)
		return
	}
	class := typ[0] & 0x0f
	size := uint64(typ[4]) | uint64(typ[5])<<8 | uint64(typ[6])<<16 | uint64(typ[7])<<24
	isVlenString := class == classVlen && typ[1]&0x0f == 1
	if class != classString && !isVlenString {
		f.v.Attribute(o.path, name, "", false)
		return
	}
	var value bytes.Buffer
	for i := uint64(0); i < elements && c.Err() == nil; i++ {
		if i > 0 {
			value.WriteByte(' ')
		}
		var part []byte
		if isVlenString {
			part = f.vlen(c)
		} else {
			part = bytes.TrimRight(c.Bytes(size, MaxValue), "\x00 ")
		}
		if value.Len()+len(part) > MaxValue {
			c.Fail("the attribute %.80q has more than %d bytes", name, MaxValue)
			return
		}
		value.Write(part)
	}
	if c.Err() == nil {
		f.v.Attribute(o.path, name, value.String(), true)
	}
}

// elements multiplies a dataspace's dimensions; 1 for a scalar.
func (f *file) elements(space []byte) (n uint64, ok bool) {
	if len(space) < 4 {
		return 0, false
	}
	rank, dims := int(space[1]), 8
	switch space[0] {
	case 1:
	case 2:
		if space[3] == 2 {
			return 0, true // null
		}
		dims = 4
	default:
		return 0, false
	}
	n = 1
	for i := range rank {
		at := dims + i*f.lengthSize
		if at+f.lengthSize > len(space) {
			return 0, false
		}
		var d uint64
		for j := range f.lengthSize {
			d |= uint64(space[at+j]) << (8 * j)
		}
		if d != 0 && n > (1<<40)/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// vlen reads a variable-length value: its length and where in which global heap it lies.
func (f *file) vlen(c *cursor.Cursor) []byte {
	n, addr, index := uint64(c.U32()), f.offset(c), c.U32()
	if c.Err() != nil || n == 0 {
		return nil
	}
	b, err := f.globalHeap(addr, index)
	if err != nil {
		c.Fail("global heap: %v", err)
		return nil
	}
	return bytes.TrimRight(b[:min(n, uint64(len(b)))], "\x00")
}

// globalHeap returns an object of a global heap collection.
func (f *file) globalHeap(addr uint64, index uint32) ([]byte, error) {
	c := f.at(addr)
	start := c.Offset()
	want(c, "GCOL")
	c.Skip(4)
	size := f.length(c)
	for objects := 0; c.Err() == nil && objects < maxMessages; objects++ {
		if uint64(c.Offset()-start)+16 > size {
			break
		}
		id := c.U16()
		c.Skip(2 + 4)
		n := f.length(c)
		if uint32(id) == index && id != 0 {
			return c.Bytes(n, MaxValue), c.Err()
		}
		if id == 0 {
			break // the free space at the end
		}
		if n > 1<<62 {
			c.Fail("an object of %d bytes", n)
		}
		c.Skip((n + 7) &^ 7)
	}
	c.Fail("object %d is not in the collection", index)
	return nil, c.Err()
}
