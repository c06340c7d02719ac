package archive

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"trustfs/formats"
)

func whole(s *formats.Source) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(s.R, 0, s.Size), 64<<10)
}

func openGzip(s *formats.Source) (io.Reader, error) { return gzip.NewReader(whole(s)) }

// isBzip2 asks for the whole magic: "BZ" alone also begins pickles.
func isBzip2(s *formats.Source) bool {
	b, err := readAt(s, 0, 10)
	return err == nil && string(b[:3]) == "BZh" && b[3] >= '1' && b[3] <= '9' &&
		(string(b[4:]) == "1AY&SY" || string(b[4:]) == "\x17\x72\x45\x38\x50\x90")
}

func openBzip2(s *formats.Source) (io.Reader, error) { return bzip2.NewReader(whole(s)), nil }

func openXZ(s *formats.Source) (io.Reader, error) {
	if dict, err := xzDict(s); err != nil {
		return nil, err
	} else if dict > maxDict {
		return nil, errDict
	}
	return xz.NewReader(whole(s))
}

// xzDict reads the dictionary size that the first block of an .xz file asks for, in bytes: the decoder allocates it
// before anything is decoded. Later blocks could ask for more; the worker's own limit is what holds those.
// The .xz file format, version 1.1.0, sections 3.1 and 5.3.1.
func xzDict(s *formats.Source) (int64, error) {
	const header, lzma2 = 12, 0x21
	b, err := readAt(s, header, int(min(64, max(0, s.Size-header))))
	if err != nil || len(b) < 2 || b[0] == 0 { // no block at all
		return 0, err
	}
	flags, rest := b[1], b[2:]
	for bit := byte(0x40); bit != 0; bit <<= 1 { // the two optional sizes
		if flags&bit != 0 {
			_, n := binary.Uvarint(rest)
			rest = rest[max(n, 0):]
		}
	}
	for range flags&3 + 1 { // up to 4 filters: id, length of properties, properties
		id, n := binary.Uvarint(rest)
		size, k := binary.Uvarint(rest[max(n, 0):])
		if n <= 0 || k <= 0 || size > uint64(len(rest)-n-k) {
			return 0, errors.New("the block header breaks off")
		}
		props := rest[n+k : n+k+int(size)]
		rest = rest[n+k+int(size):]
		if id == lzma2 && size == 1 && props[0] <= 40 {
			return int64(2|props[0]&1) << (props[0]/2 + 11), nil
		}
	}
	return 0, nil // the decoder knows no other filter and says so
}

// isLZMA recognises the old .lzma container, which has no magic, as xz does when it has to be picky: the properties that
// nearly every writer uses, a dictionary of 2^n or 2^n + 2^(n-1) bytes, an unknown size or one below 256 GiB, and the
// zero with which the range coder begins.
func isLZMA(s *formats.Source) bool {
	b, err := readAt(s, 0, 14)
	if err != nil || b[0] != 0x5d || b[1] != 0 || b[13] != 0 {
		return false
	}
	dict, size := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint64(b[5:])
	top := uint32(1) << (31 - bits.LeadingZeros32(dict|1))
	return (dict == top || dict == top|top>>1 || dict == max32) && (size == 1<<64-1 || size < 1<<38)
}

func openLZMA(s *formats.Source) (io.Reader, error) {
	b, err := readAt(s, 0, 13)
	if err != nil {
		return nil, err
	}
	return newLZMA(whole(s), binary.LittleEndian.Uint32(b[1:]))
}

func openLZ4(s *formats.Source) (io.Reader, error) {
	r := lz4.NewReader(whole(s))
	return r, r.Apply(lz4.ConcurrencyOption(1))
}

// isZstd takes zstd frames and the skippable ones that may come first.
func isZstd(s *formats.Source) bool {
	b, err := readAt(s, 0, 4)
	if err != nil {
		return false
	}
	v := binary.LittleEndian.Uint32(b)
	return v == 0xfd2fb528 || v&^0xf == 0x184d2a50
}

func openZstd(s *formats.Source) (io.Reader, error) { return newZstd(whole(s)) }

// isZlib: a two-byte header with a check of five bits (RFC 1950), so the first byte must decompress too.
func isZlib(s *formats.Source) bool {
	b, err := readAt(s, 0, 2)
	return err == nil && b[0]&0x0f == 8 && b[0]>>4 <= 7 && b[1]&0x20 == 0 && (uint(b[0])<<8|uint(b[1]))%31 == 0 && opens(s, openZlib)
}

func openZlib(s *formats.Source) (io.Reader, error) { return zlib.NewReader(whole(s)) }

// isZFile recognises joblib's own compressed container up to 0.9: "ZF", the decompressed length in hexadecimal and
// blanks, 21 or 22 characters in all, then zlib.
func isZFile(s *formats.Source) bool {
	b, err := readAt(s, 0, zfileHeader)
	if err != nil || string(b[:4]) != "ZF0x" {
		return false
	}
	_, err = strconv.ParseUint(strings.TrimRight(string(b[4:]), " "), 16, 64)
	return err == nil
}

const zfileHeader = 21

func openZFile(s *formats.Source) (io.Reader, error) {
	off := int64(zfileHeader)
	if b, err := readAt(s, off, 1); err == nil && b[0] == ' ' {
		off++ // Python 2 writers up to 0.8.4 are one blank wider
	}
	return zlib.NewReader(bufio.NewReaderSize(io.NewSectionReader(s.R, off, s.Size-off), 64<<10))
}
