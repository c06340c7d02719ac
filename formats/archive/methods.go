package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"
)

// Compression methods of zip members (APPNOTE.TXT 4.4.5).
const (
	methodStored  = 0
	methodDeflate = 8
	methodBzip2   = 12
	methodLZMA    = 14
	methodZstdOld = 20 // the number zstd had before 93
	methodZstd    = 93
)

// maxDict bounds the dictionary that a stream may ask the decoder to allocate: xz -9 asks for 64 MiB, which does not
// fit a worker of 96 MiB beside everything else, and no common model packer goes beyond 32.
const maxDict = 32 << 20

// errDict says that a stream wants more memory than it gets.
var errDict = errors.New("dictionary larger than 32 MiB")

// errMethod says that a compression is not one that can be read here.
type errMethod uint16

func (e errMethod) Error() string {
	return fmt.Sprintf("compression method %d is not one that trustfs reads (stored, deflate, bzip2, lzma, zstd are)", uint16(e))
}

// decompressor starts a decompressor of a zip method over packed bytes. used tells how many of them it took, or is nil.
func decompressor(method, flags uint16, size int64, packed io.Reader) (r io.Reader, used func() int64, err error) {
	switch method {
	case methodDeflate:
		c := &counter{r: packed}
		b := bufio.NewReaderSize(c, 64<<10) // flate reads a bufio.Reader byte by byte, faster than any other, and never too far
		return flate.NewReader(b), func() int64 { return c.n - int64(b.Buffered()) }, nil
	case methodBzip2:
		return bzip2.NewReader(bufio.NewReaderSize(packed, 16<<10)), nil, nil
	case methodLZMA:
		r, err := zipLZMA(packed, flags, size)
		return r, nil, err
	case methodZstd, methodZstdOld:
		r, err := newZstd(packed)
		return r, nil, err
	}
	return nil, nil, errMethod(method)
}

// counter counts the bytes that are read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// newZstd bounds the window as the other dictionaries are, and starts no goroutines.
func newZstd(packed io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxDict), zstd.WithDecoderMaxMemory(maxDict))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// zipLZMA reads a member of method 14: a 4-byte header of its own, the 5 property bytes of LZMA, then the stream
// without a size (APPNOTE.TXT 5.8.8). Bit 1 of the flags promises an end marker.
func zipLZMA(packed io.Reader, flags uint16, size int64) (io.Reader, error) {
	var h [9]byte
	if _, err := io.ReadFull(packed, h[:]); err != nil {
		return nil, err
	}
	if n := binary.LittleEndian.Uint16(h[2:]); n != 5 {
		return nil, fmt.Errorf("LZMA properties of %d bytes, 5 expected", n)
	}
	if flags&2 != 0 {
		size = -1
	}
	var alone [13]byte
	copy(alone[:], h[4:])
	binary.LittleEndian.PutUint64(alone[5:], uint64(size))
	return newLZMA(io.MultiReader(bytes.NewReader(alone[:]), packed), binary.LittleEndian.Uint32(h[5:]))
}

// newLZMA reads an LZMA stream with its 13-byte header, whose dictionary size the caller passes to be bounded.
func newLZMA(packed io.Reader, dict uint32) (io.Reader, error) {
	if dict > maxDict {
		return nil, errDict
	}
	return lzma.ReaderConfig{DictCap: max(int(dict), lzma.MinDictCap)}.NewReader(bufio.NewReaderSize(packed, 16<<10))
}
