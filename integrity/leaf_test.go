package integrity

import (
	"fmt"
	"bytes"
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

// Leaves names what Build names, whatever the size; another byte anywhere, or one more at the end, is another file.
func TestLeavesAreThoseOfBuild(t *testing.T) {
	random := rand.NewChaCha8([32]byte{9})
	for _, size := range []int64{0, 1, ChunkSize, passBuffer, passBuffer + 1, 3*passBuffer + ChunkSize + 5} {
		b := make([]byte, size+1)
		_, _ = random.Read(b) // never fails
		read := func(n int64) *Manifest {
			m, err := Leaves(t.Context(), bytes.NewReader(b), n)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		whole, err := Build(t.Context(), bytes.NewReader(b), size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(size); !got.SameBytes(whole) || !whole.SameBytes(got) {
			t.Errorf("%d bytes: other leaves", size)
		}
		if whole.SameBytes(read(size + 1)) {
			t.Errorf("%d bytes: one more is no difference", size)
		}
		for _, at := range []int64{0, size / 2, size - 1} {
			if at >= 0 && at < size {
				b[at]++
				if whole.SameBytes(read(size)) {
					t.Errorf("%d bytes: byte %d is no difference", size, at)
				}
				b[at]--
			}
		}
	}
	if _, err := Leaves(t.Context(), bytes.NewReader(nil), 1); err != ErrChanged {
		t.Errorf("a file that was cut: %v", err)
	}
}
