package integrity

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3"
)

// A leaf is the BLAKE3 of its chunk, whichever way it is worked out.
func TestLeafIsBLAKE3(t *testing.T) {
	random := rand.NewChaCha8([32]byte{7})
	b := make([]byte, ChunkSize+1)
	sizes := []int{0, 1, 63, 64, 65, 1023, 1024, 1025, 5000, ChunkSize + 1}
	for i := 1; i <= subtrees; i++ {
		sizes = append(sizes, i*subtree-1, i*subtree, min(i*subtree+1, ChunkSize), i*subtree-subtree/2+3)
	}
	for _, n := range sizes {
		for range 3 {
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
	for _, size := range []int{ChunkSize, 7500, 300} {
		chunk := make([]byte, size)
		for _, way := range []struct {
			name string
			leaf func([]byte) [leafSize]byte
		}{{"ours", leafOf}, {"the library's own", func(c []byte) [leafSize]byte { return blake3.Sum256(c) }}} {
			b.Run(fmt.Sprintf("%d bytes/%s", size, way.name), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					way.leaf(chunk)
				}
			})
		}
	}
}
