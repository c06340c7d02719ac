package integrity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// ChunkSize is the span of one leaf in bytes. 128 KiB is the read-ahead window that Linux gives a FUSE mount at first, so an
// aligned sequential read checks each byte once.
const ChunkSize = 128 << 10

// Digest is a SHA-256 over a whole file.
type Digest [sha256.Size]byte

// String is the digest in lower-case hexadecimal, 64 digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short is the first 16 hexadecimal digits, as events and reasons show them.
func (d Digest) Short() string { return d.String()[:16] }

// ParseDigest reads 64 hexadecimal digits of either case.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("SHA-256 digest %q: %d characters, expected %d hexadecimal digits", s, len(s), 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return d, fmt.Errorf("SHA-256 digest %q: %w", s, err)
	}
	return d, nil
}

// A Manifest names the exact bytes of one file: its size, its SHA-256, and 32 bytes a chunk. It is immutable once made.
type Manifest struct {
	Size   int64
	Digest Digest
	leaves []byte // leafSize bytes for each chunk, the last chunk may be short
}

// Chunks is the number of leaves: the size divided by ChunkSize, rounded up.
func (m *Manifest) Chunks() int64 { return chunks(m.Size) }

// MemoryBytes is what the manifest costs in memory, for caches that count.
func (m *Manifest) MemoryBytes() int64 { return int64(len(m.leaves)) + 64 }

func (m *Manifest) leaf(i int64) []byte { return m.leaves[i*leafSize : (i+1)*leafSize] }

func chunks(size int64) int64 { return (size + ChunkSize - 1) / ChunkSize }

// The wire form that a worker gets through a pipe: magic, size (8 bytes, little-endian), digest, leaves.
const wireMagic = "TFSM0001"

const wireHeader = len(wireMagic) + 8 + sha256.Size

// MarshalBinary gives the wire form.
func (m *Manifest) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, wireHeader+len(m.leaves))
	b = append(b, wireMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.Size))
	b = append(b, m.Digest[:]...)
	return append(b, m.leaves...), nil
}

// UnmarshalBinary reads the wire form and keeps a part of b.
func (m *Manifest) UnmarshalBinary(b []byte) error {
	if len(b) < wireHeader || string(b[:len(wireMagic)]) != wireMagic {
		return errors.New("manifest: not the wire form")
	}
	size := binary.LittleEndian.Uint64(b[len(wireMagic):])
	leaves := b[wireHeader:]
	if size > 1<<62 || int64(len(leaves)) != chunks(int64(size))*leafSize {
		return fmt.Errorf("manifest: %d bytes of leaves do not fit a file of %d bytes", len(leaves), size)
	}
	m.Size = int64(size)
	copy(m.Digest[:], b[len(wireMagic)+8:])
	m.leaves = leaves
	return nil
}

// ErrChanged says that a file's size was not what the pass over it met.
var ErrChanged = errors.New("the file changed while it was read")

// readFull fills b from offset off. Fewer bytes than asked for means that the file was cut: ErrChanged.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return ErrChanged
	}
	return err
}
