package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"trustfs/formats"
)

// Signatures of zip records, as little-endian integers (APPNOTE.TXT 4.3).
const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50
	sigExtra      = 0x08064b50 // archive extra data
	sigSignature  = 0x05054b50 // digital signature
)

// Lengths of the fixed parts of records, in bytes.
const (
	lenLocal     = 30
	lenCentral   = 46
	lenEnd       = 22
	lenEnd64     = 56
	lenLocator64 = 20
)

// Bits of a member's flags.
const (
	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagPatched    = 1 << 5
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
	flagsUnread    = flagEncrypted | flagPatched | flagStrong | flagMasked // some readers refuse, others read on
)

const max32 = 0xffffffff

// A header is one member as one record states it. Sizes and offsets are what the record says, zip64 fields applied.
type header struct {
	name    string
	altName string // of a Unicode path field that differs, or up to a NUL; "" if there is none
	version uint16
	flags   uint16
	method  uint16
	crc     uint32
	packed  uint64 // compressed size
	size    uint64
	offset  uint64 // central records: of the local header
	length  int64  // of the record itself
	zip64   bool   // there is a zip64 field: the descriptor's sizes have 8 bytes each (APPNOTE.TXT 4.3.9.2)
	mode    uint32 // central records made on Unix: the file mode
	folder  bool   // central records: the DOS attribute of a folder, which some readers believe more than the name
}

// A recordError says why a record cannot be read.
type recordError struct {
	off int64
	msg string
}

func (e *recordError) Error() string { return fmt.Sprintf("at offset %d: %s", e.off, e.msg) }

// readAt reads exactly n bytes at off, or fails before allocating if the source does not have them.
func readAt(s *formats.Source, off int64, n int) ([]byte, error) {
	if off < 0 || int64(n) > s.Size || off > s.Size-int64(n) {
		return nil, &recordError{off, fmt.Sprintf("%d bytes wanted, the file ends at %d", n, s.Size)}
	}
	b := make([]byte, n)
	if k, err := s.R.ReadAt(b, off); k < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// sigAt is the signature at off, 0 if there is none.
func sigAt(s *formats.Source, off int64) uint32 {
	b, err := readAt(s, off, 4)
	if err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// readLocal reads the local header at off.
func readLocal(s *formats.Source, off int64) (*header, error) {
	b, err := readAt(s, off, lenLocal)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if le.Uint32(b) != sigLocal {
		return nil, &recordError{off, "no local header (PK 3 4) here"}
	}
	nameLen, extraLen := int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	rest, err := readAt(s, off+lenLocal, nameLen+extraLen)
	if err != nil {
		return nil, err
	}
	h := &header{
		version: le.Uint16(b[4:]), flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), crc: le.Uint32(b[14:]),
		packed: uint64(le.Uint32(b[18:])), size: uint64(le.Uint32(b[22:])),
		length: int64(lenLocal + nameLen + extraLen),
	}
	h.setName(rest[:nameLen], rest[nameLen:])
	if err := h.zip64Extra(off, rest[nameLen:]); err != nil {
		return h, err
	}
	return h, nil
}

// readCentral parses the central record at the beginning of b, which lies at off in the file.
func readCentral(b []byte, off int64) (*header, error) {
	le := binary.LittleEndian
	if len(b) < lenCentral || le.Uint32(b) != sigCentral {
		return nil, &recordError{off, "no central record (PK 1 2) here"}
	}
	nameLen, extraLen, commentLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	n := lenCentral + nameLen + extraLen + commentLen
	var cut error
	if n > len(b) {
		cut = &recordError{off, fmt.Sprintf("central record of %d bytes, the file has %d left", n, len(b))}
		n = len(b)
		nameLen = min(nameLen, n-lenCentral)
		extraLen = min(extraLen, n-lenCentral-nameLen)
	}
	h := &header{
		version: le.Uint16(b[6:]), flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		packed: uint64(le.Uint32(b[20:])), size: uint64(le.Uint32(b[24:])), offset: uint64(le.Uint32(b[42:])),
		length: int64(n),
	}
	h.folder = b[38]&0x10 != 0
	if b[5] == 3 { // made by Unix
		h.mode = le.Uint32(b[38:]) >> 16
	}
	name, extra := b[lenCentral:lenCentral+nameLen], b[lenCentral+nameLen:lenCentral+nameLen+extraLen]
	h.setName(name, extra)
	return h, errors.Join(cut, h.zip64Extra(off, extra))
}
