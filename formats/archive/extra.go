package archive

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Extra fields that change what a reader sees (APPNOTE.TXT 4.5 and 4.6.9).
const (
	extraZip64       = 0x0001
	extraUnicodePath = 0x7075
)

// field finds the first extra field of an id. Fields that do not parse end the search: padding of any shape is common
// (zipalign, torch's "FB"), and no reader takes names or sizes from behind it.
func field(extra []byte, id uint16) ([]byte, bool) {
	for len(extra) >= 4 {
		n := int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return nil, false
		}
		if binary.LittleEndian.Uint16(extra) == id {
			return extra[4 : 4+n], true
		}
		extra = extra[4+n:]
	}
	return nil, false
}

// zip64Extra applies the zip64 field: its values stand in a fixed order, and only those are there whose 32-bit field is
// saturated (APPNOTE.TXT 4.5.3).
func (h *header) zip64Extra(off int64, extra []byte) error {
	f, ok := field(extra, extraZip64)
	h.zip64 = ok
	for _, v := range []*uint64{&h.size, &h.packed, &h.offset} {
		if *v != max32 {
			continue
		}
		if !ok {
			continue // 4 GiB minus one, stated plainly, or a value that only the descriptor has
		}
		if len(f) < 8 {
			return &recordError{off, "zip64 field lacks a value that the record leaves to it"}
		}
		*v, f = binary.LittleEndian.Uint64(f), f[8:]
	}
	return nil
}

// setName keeps the name and, if other readers would take another one, that too: Python's zipfile cuts names at a NUL,
// and several readers prefer the Unicode path field.
func (h *header) setName(name, extra []byte) {
	h.name = string(name)
	if i := bytes.IndexByte(name, 0); i >= 0 {
		h.altName = string(name[:i])
	}
	f, ok := field(extra, extraUnicodePath)
	if ok && len(f) > 5 && f[0] == 1 && binary.LittleEndian.Uint32(f[1:]) == crc32.ChecksumIEEE(name) && !bytes.Equal(f[5:], name) {
		if h.flags&flagUTF8 == 0 && !ascii(name) {
			return // the honest use: the name proper is in some code page
		}
		h.altName = string(f[5:])
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
