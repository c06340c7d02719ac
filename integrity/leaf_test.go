package integrity

import (
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3"
)

// A leaf is the BLAKE3 of its chunk, whichever way it is worked out.
func TestLeafIsBLAKE3(t *testing.T) {
	random := rand.NewChaCha8([32]byte{7})
	b := make([]byte, ChunkSize+1)
	for _, n := range []int{0, 1, 1024, subtree, ChunkSize - 1, ChunkSize, ChunkSize + 1} {
		for range 8 {
			_, _ = random.Read(b[:n]) // never fails
			if got, want := leafOf(b[:n]), blake3.Sum256(b[:n]); got != want {
				t.Fatalf("the leaf of %d bytes is %x, want %x", n, got, want)
			}
		}
	}
	_, _ = random.Read(b)
	chunk := b[:ChunkSize]
	before := leafOf(chunk)
	for at := 0; at < ChunkSize; at += 1000 { // each subtree counts
		chunk[at]++
		if leafOf(chunk) == before {
			t.Fatalf("byte %d does not count", at)
		}
		chunk[at]--
	}
}

func BenchmarkLeaf(b *testing.B) {
	chunk := make([]byte, ChunkSize)
	for _, way := range []struct {
		name string
		leaf func([]byte) [leafSize]byte
	}{{"whole chunk", leafOf}, {"the library's own", func(c []byte) [leafSize]byte { return blake3.Sum256(c) }}} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(ChunkSize)
			b.ReportAllocs()
			for b.Loop() {
				way.leaf(chunk)
			}
		})
	}
}
