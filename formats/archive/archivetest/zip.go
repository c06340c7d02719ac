// Package archivetest builds zip archives for tests, honest ones and ones that lie in any field of any record.
package archivetest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
)

// Fields are what a local or central record states.
type Fields struct {
	Name         string
	Flags        uint16
	Method       uint16
	CRC          uint32
	Packed, Size uint32
	Offset       uint32 // central records
	Extra        []byte
	Mode         uint32 // central records: Unix mode, with "made by Unix" if not zero
	Attributes   uint32 // central records: DOS attributes
	Comment      uint16 // central records: length of a comment, which is not written
}

// A File is one member. Its records are true, then Local and Central may change what they say.
type File struct {
	Name       string
	Data       []byte
	Packed     []byte // compressed form for a Method other than stored and deflate
	Method     uint16
	Descriptor bool // sizes and CRC follow the data, as in torch's archives
	Local      func(*Fields)
	Central    func(*Fields)
	Gap        []byte // bytes between this member and the next record
	Hidden     bool   // no central record
}

// A Zip is an archive to build.
type Zip struct {
	Prefix   []byte // in front; offsets do not count it
	Files    []File
	Zip64    bool // zip64 end records too, as torch writes them
	Comment  []byte
	Trailing []byte
	End      func(count *uint16, size, offset *uint32)
}

// Bytes builds the archive.
func (z Zip) Bytes() []byte {
	var out, dir bytes.Buffer
	count := 0
	for _, f := range z.Files {
		packed := f.packed()
		le := Fields{Name: f.Name, Method: f.Method, CRC: crc32.ChecksumIEEE(f.Data), Packed: uint32(len(packed)), Size: uint32(len(f.Data)), Offset: uint32(out.Len())}
		local, central := le, le
		if f.Descriptor {
			local.Flags, central.Flags = 8, 8
			local.CRC, local.Packed, local.Size = 0, 0, 0
		}
		if f.Local != nil {
			f.Local(&local)
		}
		if f.Central != nil {
			f.Central(&central)
		}
		writeLocal(&out, local)
		out.Write(packed)
		if f.Descriptor {
			put(&out, uint32(0x08074b50), le.CRC, le.Packed, le.Size)
		}
		out.Write(f.Gap)
		if !f.Hidden {
			writeCentral(&dir, central)
			count++
		}
	}
	return z.finish(&out, &dir, count)
}

func (z Zip) finish(out, dir *bytes.Buffer, count int) []byte {
	n, size, offset := uint16(count), uint32(dir.Len()), uint32(out.Len())
	if z.End != nil {
		z.End(&n, &size, &offset)
	}
	out.Write(dir.Bytes())
	if z.Zip64 {
		at := uint64(out.Len())
		put(out, uint32(0x06064b50), uint64(44), uint16(45), uint16(45), uint32(0), uint32(0), uint64(n), uint64(n), uint64(size), uint64(offset))
		put(out, uint32(0x07064b50), uint32(0), at, uint32(1))
	}
	put(out, uint32(0x06054b50), uint16(0), uint16(0), n, n, size, offset, uint16(len(z.Comment)))
	out.Write(z.Comment)
	out.Write(z.Trailing)
	return append(bytes.Clone(z.Prefix), out.Bytes()...)
}

func (f File) packed() []byte {
	switch {
	case f.Packed != nil:
		return f.Packed
	case f.Method == 8:
		return Deflate(f.Data)
	}
	return f.Data
}

// Deflate compresses as zip method 8 does.
func Deflate(data []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeLocal(b *bytes.Buffer, f Fields) {
	put(b, uint32(0x04034b50), uint16(20), f.Flags, f.Method, uint32(0x21<<16), f.CRC, f.Packed, f.Size, uint16(len(f.Name)), uint16(len(f.Extra)))
	b.WriteString(f.Name)
	b.Write(f.Extra)
}

func writeCentral(b *bytes.Buffer, f Fields) {
	made := uint16(20)
	if f.Mode != 0 {
		made |= 3 << 8
	}
	put(b, uint32(0x02014b50), made, uint16(20), f.Flags, f.Method, uint32(0x21<<16), f.CRC, f.Packed, f.Size, uint16(len(f.Name)), uint16(len(f.Extra)),
		f.Comment, uint16(0), uint16(0), f.Mode<<16|f.Attributes, f.Offset)
	b.WriteString(f.Name)
	b.Write(f.Extra)
}

// put writes integers little-endian, each in its type's width.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err) // a value that is no integer: a mistake in this file
		}
	}
}
