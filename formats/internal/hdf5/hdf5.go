// Package hdf5 reads the skeleton of an HDF5 file: its groups, links and attributes, and how datasets are stored. It
// reads no dataset.
//
// It is for judging, not for use: where a reader may leave out what it does not know, this one says so (Unknown), since
// what is not read may be what a loader acts on. Every address is held against the file, every object is visited once, and
// the work is bounded. Specification: HDF5 File Format Specification 3.0 (The HDF Group).
package hdf5

import (
	"encoding/binary"
	"fmt"
	"io"

	"trustfs/formats/internal/cursor"
)

// Signature starts the superblock, at byte 0 or at 512 times a power of two (behind a user block).
const Signature = "\x89HDF\r\n\x1a\n"

// Bounds of one file.
const (
	maxObjects    = 200_000
	maxMessages   = 100_000 // of one object
	maxAttributes = 1_000_000
	// MaxValue bounds the bytes of one attribute's value that are kept.
	MaxValue = 64 << 20
)

// A Visitor is told what the file holds. Paths are those of the first link found to an object.
type Visitor struct {
	// Attribute gets a string value; isText is false for other types, whose value is not read.
	Attribute func(object, name, value string, isText bool)
	// External is something that a reader takes from another file: kind is "link", "storage" or "virtual dataset".
	External func(object, kind, target string)
	// Filter is a filter of a dataset by its registered number.
	Filter func(object string, id uint16)
	// Unknown is a structure that is valid perhaps, but not read here.
	Unknown func(object string, what string)
}

// Find returns the offset of the superblock, -1 if there is none. It reads a few bytes at each place where one may be.
func Find(r io.ReaderAt, size int64) int64 {
	var b [len(Signature)]byte
	for off := int64(0); off >= 0 && off < size-int64(len(b)); off = max(512, off*2) {
		if n, err := r.ReadAt(b[:], off); n == len(b) && (err == nil || err == io.EOF) && string(b[:]) == Signature {
			return off
		}
	}
	return -1
}

// file is the state of one walk.
type file struct {
	r          io.ReaderAt
	size       int64
	base       int64 // what addresses are relative to
	offsetSize int
	lengthSize int
	v          Visitor

	queue []object
	seen  map[uint64]bool
	attrs int
}

// object is one still to be visited.
type object struct {
	path string
	addr uint64
}

// Walk visits every object of the file whose superblock is at super. Its error is that of a broken structure, of type
// *cursor.Error.
func Walk(r io.ReaderAt, size, super int64, v Visitor) error {
	f := &file{r: r, size: size, v: v, seen: map[uint64]bool{}}
	root, err := f.superblock(super)
	if err != nil {
		return err
	}
	f.add("", root)
	for len(f.queue) > 0 {
		o := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		if err := f.object(o); err != nil {
			return fmt.Errorf("object /%s: %w", o.path, err)
		}
		if len(f.seen) > maxObjects {
			return &cursor.Error{Offset: super, Msg: fmt.Sprintf("more than %d objects", maxObjects)}
		}
	}
	return nil
}

func (f *file) add(path string, addr uint64) {
	if !f.undefined(addr) && !f.seen[addr] {
		f.seen[addr] = true
		f.queue = append(f.queue, object{path, addr})
	}
}

// superblock reads the superblock and returns the root group's address.
func (f *file) superblock(at int64) (root uint64, err error) {
	c := cursor.New(f.r, at+int64(len(Signature)), f.size)
	version := c.U8()
	switch version {
	case 0, 1:
		c.Skip(4) // versions of parts, one reserved byte
		f.offsetSize, f.lengthSize = int(c.U8()), int(c.U8())
		c.Skip(1 + 2 + 2 + 4)
		if version == 1 {
			c.Skip(4)
		}
	case 2, 3:
		f.offsetSize, f.lengthSize = int(c.U8()), int(c.U8())
		c.Skip(1)
	default:
		c.Fail("superblock version %d: 0 to 3 are known", version)
	}
	if c.Err() == nil && (!validSize(f.offsetSize) || !validSize(f.lengthSize)) {
		c.Fail("offsets of %d and lengths of %d bytes: 2, 4 or 8 are known", f.offsetSize, f.lengthSize)
	}
	f.offset(c) // base address; the library goes by where the superblock is
	f.offset(c) // free space, or the superblock's extension
	f.offset(c) // end of file
	if version <= 1 {
		f.offset(c) // driver information
		f.offset(c) // the root's name
	}
	root = f.offset(c)
	f.base = at
	return root, c.Err()
}

func validSize(n int) bool { return n == 2 || n == 4 || n == 8 }

// at returns a cursor at an address.
func (f *file) at(addr uint64) *cursor.Cursor {
	if addr > uint64(f.size-f.base) {
		c := cursor.New(f.r, f.size, f.size)
		c.Fail("address %d is outside the file", addr)
		return c
	}
	return cursor.New(f.r, f.base+int64(addr), f.size)
}

// offset and length take an address or length of the file's sizes.
func (f *file) offset(c *cursor.Cursor) uint64 { return uintN(c, f.offsetSize) }
func (f *file) length(c *cursor.Cursor) uint64 { return uintN(c, f.lengthSize) }

func uintN(c *cursor.Cursor, size int) uint64 {
	var b [8]byte
	copy(b[:], c.Peek(size))
	c.Skip(uint64(size))
	return binary.LittleEndian.Uint64(b[:])
}

// undefined says whether an address is the one that means "none": all ones.
func (f *file) undefined(addr uint64) bool {
	return addr == 1<<(8*f.offsetSize)-1
}

// want takes a signature.
func want(c *cursor.Cursor, sig string) {
	if got := c.Peek(len(sig)); c.Err() == nil && string(got) != sig {
		c.Fail("%q where %q is expected", got, sig)
	}
	c.Skip(uint64(len(sig)))
}
