package archive

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"trustfs/formats"
)

// A Packing is a compression by name, for plans that are made of an archive and carried out later.
type Packing string

// The packings of zip members (APPNOTE.TXT 4.4.5); lzma with and without an end marker. zstd is what Python's zipfile reads
// since 3.14.
const (
	PackedDeflate Packing = "deflate"
	PackedBzip2   Packing = "bzip2"
	PackedLZMA    Packing = "lzma"
	PackedLZMAEnd Packing = "lzma-end"
	PackedZstd    Packing = "zstd"
)

type filePacking struct {
	name   Packing
	detect func(*formats.Source) bool
	open   func(*formats.Source) (io.Reader, error)
}

// wholeFile are the packings of whole files that joblib.load undoes by itself, in the order in which they are looked for.
var wholeFile = []filePacking{
	{"gzip-file", magic(0, "\x1f\x8b\x08"), openGzip},
	{"bzip2-file", isBzip2, openBzip2},
	{"xz-file", magic(0, "\xfd7zXZ\x00"), openXZ},
	{"lzma-file", isLZMA, openLZMA},
	{"lz4-file", magic(0, "\x04\x22\x4d\x18"), openLZ4},
	{"zlib-file", isZlib, openZlib},
}

var members = map[Packing]struct{ method, flags uint16 }{
	PackedDeflate: {methodDeflate, 0}, PackedBzip2: {methodBzip2, 0}, PackedLZMA: {methodLZMA, 0}, PackedLZMAEnd: {methodLZMA, 2},
	PackedZstd: {methodZstd, 0},
}

// Packing names a compressed member's compression. An encrypted member, and one of a method that no reader of arrays knows,
// is an error.
func (m *Member) Packing() (Packing, error) {
	if m.Flags&flagsUnread != 0 {
		return "", fmt.Errorf("flags %#x say that the member is encrypted", m.Flags&flagsUnread)
	}
	if m.Method == methodStored {
		return "", fmt.Errorf("stored, of two sizes: %d bytes that should be %d", m.Packed, m.Size)
	}
	for name, p := range members {
		if p.method == m.Method && (m.Method != methodLZMA || p.flags == m.Flags&2) {
			return name, nil
		}
	}
	return "", errMethod(m.Method)
}

// PackingOf tells how a whole file is compressed, by its content; ok is false if joblib would read it as it is.
func PackingOf(s *formats.Source) (p Packing, ok bool) {
	for _, f := range wholeFile {
		if f.detect(s) {
			return f.name, true
		}
	}
	return "", false
}

// Known says that Unpack and Open know p.
func (p Packing) Known() bool {
	_, member := members[p]
	_, text := texts[p]
	return member || text || slices.ContainsFunc(wholeFile, func(f filePacking) bool { return f.name == p })
}

// Open starts the decompressor of packed bytes that are said to give size bytes. used tells how many of them it has taken;
// it is nil where the decompressor does not tell.
func (p Packing) Open(packed *io.SectionReader, size int64) (r io.Reader, used func() int64, err error) {
	if m, ok := members[p]; ok {
		return decompressor(m.method, m.flags, size, packed)
	}
	if unit, ok := texts[p]; ok {
		return &textReader{r: bufio.NewReaderSize(packed, 64<<10), unit: unit}, nil, nil
	}
	for _, f := range wholeFile {
		if f.name == p {
			r, err := f.open(&formats.Source{R: packed, Size: packed.Size()})
			return r, nil, err
		}
	}
	return nil, nil, fmt.Errorf("compression %q is not one that trustfs reads", p)
}

// Unpack gives random access to what packed bytes hold; it decompresses them once at once, to learn the size and the CRC.
// Err says what is wrong with them. Budgets that are used up are findings of c.
func (p Packing) Unpack(c *formats.Context, where string, packed *io.SectionReader, size int64) *Inflated {
	s := &formats.Source{R: packed, Size: packed.Size(), Where: where}
	return newInflated(c, s, where, packed.Size(), func() (io.Reader, func() int64, error) {
		return p.Open(io.NewSectionReader(packed, 0, packed.Size()), size)
	})
}

// File is what the archive is read from.
func (z *Zip) File() io.ReaderAt { return z.s.R }

// CRC is the CRC-32 of the whole output, as zip archives state it.
func (d *Inflated) CRC() uint32 { return d.crc }
