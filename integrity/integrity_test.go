package integrity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

func build(t *testing.T, b []byte) *Manifest {
	t.Helper()
	m, err := Build(context.Background(), bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var sizes = []int{0, 1, 4096, ChunkSize - 1, ChunkSize, ChunkSize + 1, passBuffer, passBuffer + 1, 3*passBuffer - 7}

func TestBuildDigestAndLeaves(t *testing.T) {
	for _, n := range sizes {
		b := content(n)
		var told int64
		m, err := Build(context.Background(), bytes.NewReader(b), int64(n), func(done int64) { told = done })
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if m.Digest != sha256.Sum256(b) {
			t.Errorf("%d bytes: wrong SHA-256", n)
		}
		if want := (int64(n) + ChunkSize - 1) / ChunkSize; m.Chunks() != want || int64(len(m.leaves)) != 32*want {
			t.Errorf("%d bytes: %d chunks, %d bytes of leaves", n, m.Chunks(), len(m.leaves))
		}
		if told != int64(n) {
			t.Errorf("%d bytes: progress ended at %d", n, told)
		}
	}
}

func TestBuildRefusesOtherSizes(t *testing.T) {
	b := content(ChunkSize + 5)
	if _, err := Build(context.Background(), bytes.NewReader(b), int64(len(b))+1, nil); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that was cut: %v, expected ErrChanged", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, bytes.NewReader(b), int64(len(b)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestManifestWireForm(t *testing.T) {
	for _, n := range sizes {
		m := build(t, content(n))
		b, _ := m.MarshalBinary()
		var got Manifest
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if got.Size != m.Size || got.Digest != m.Digest || !bytes.Equal(got.leaves, m.leaves) {
			t.Errorf("%d bytes: the wire form does not come back", n)
		}
		for _, bad := range [][]byte{nil, b[:len(b)-1], append(bytes.Clone(b), 0), b[1:]} {
			if err := new(Manifest).UnmarshalBinary(bad); err == nil {
				t.Errorf("%d bytes: a broken wire form of %d bytes is taken", n, len(bad))
			}
		}
	}
}

func FuzzManifestWireForm(f *testing.F) {
	m, err := Build(context.Background(), bytes.NewReader(content(ChunkSize+1)), ChunkSize+1, nil)
	if err != nil {
		f.Fatal(err)
	}
	b, _ := m.MarshalBinary()
	f.Add(b)
	f.Add(b[:wireHeader])
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Manifest
		if m.UnmarshalBinary(b) != nil {
			return
		}
		if again, _ := m.MarshalBinary(); !bytes.Equal(again, b) {
			t.Fatal("what parses is not written back the same")
		}
	})
}

func TestReaderReadsWhatWasJudged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range sizes {
		b := content(n)
		r := NewReader(bytes.NewReader(b), build(t, b))
		for range 200 {
			off := rng.Int64N(int64(n) + 10)
			p := make([]byte, rng.IntN(3*ChunkSize))
			k, err := r.ReadAt(p, off)
			want := b[min(off, int64(n)):min(off+int64(len(p)), int64(n))]
			if !bytes.Equal(p[:k], want) {
				t.Fatalf("size %d: ReadAt(%d bytes, %d) gave other bytes", n, len(p), off)
			}
			if wantEOF := k < len(p) || off >= int64(n); (err == io.EOF) != wantEOF && len(p) > 0 {
				t.Fatalf("size %d: ReadAt(%d bytes, %d) = %d, %v", n, len(p), off, k, err)
			}
		}
	}
}

func TestReaderRefusesEveryChangedByte(t *testing.T) {
	good := content(3*ChunkSize + 100)
	m := build(t, good)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		bad := bytes.Clone(good)
		at := rng.IntN(len(bad))
		bad[at] ^= 1 << rng.IntN(8)
		r := NewReader(bytes.NewReader(bad), m)
		p := make([]byte, len(bad))
		n, err := r.ReadAt(p, 0)
		var te *TamperError
		if !errors.As(err, &te) || te.Offset != int64(at/ChunkSize*ChunkSize) || te.Expected == te.Actual {
			t.Fatalf("a changed byte at %d: %v", at, err)
		}
		if int64(n) != te.Offset {
			t.Fatalf("%d bytes were handed out, the chunk at %d is bad", n, te.Offset)
		}
		if bytes.Contains(p[n:], bad[at/ChunkSize*ChunkSize:][:64]) {
			t.Fatal("unchecked bytes are left in the caller's memory")
		}
		if _, err := r.ReadAt(p[:10], int64(at)); !errors.As(err, &te) {
			t.Fatalf("a small read of the changed byte: %v", err)
		}
	}
}

func TestReaderRefusesATruncatedFile(t *testing.T) {
	good := content(2 * ChunkSize)
	r := NewReader(bytes.NewReader(good[:ChunkSize+10]), build(t, good))
	_, err := r.ReadAt(make([]byte, 5), ChunkSize)
	var te *TamperError
	if !errors.As(err, &te) || te.Actual != "short" {
		t.Fatalf("a file that was cut: %v", err)
	}
	if _, err := r.ReadAt(make([]byte, 5), -1); err == nil {
		t.Fatal("a negative offset is taken")
	}
}

// A store into a shared mapping that is dirty already changes no timestamp; the Reader is what catches it.
func TestReaderCatchesAMappedStore(t *testing.T) {
	name := filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(name, content(ChunkSize), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped, err := unix.Mmap(int(f.Fd()), 0, ChunkSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)
	mapped[0] ^= 1
	before, _ := IdentityOf(int(f.Fd()))
	m, err := Build(context.Background(), f, ChunkSize, nil)
	if err != nil {
		t.Fatal(err)
	}
	mapped[7] ^= 1
	after, _ := IdentityOf(int(f.Fd()))
	if before != after {
		t.Log("this filesystem stamps the second store too")
	}
	var te *TamperError
	if _, err := NewReader(f, m).ReadAt(make([]byte, 100), 0); !errors.As(err, &te) {
		t.Fatalf("a store into a mapped page: %v", err)
	}
}

func TestReaderInParallel(t *testing.T) {
	b := content(8*ChunkSize + 17)
	r := NewReader(bytes.NewReader(b), build(t, b))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 9))
			for range 500 {
				off := rng.Int64N(int64(len(b)) - 5000)
				p := make([]byte, 1+rng.IntN(5000))
				if _, err := r.ReadAt(p, off); err != nil || !bytes.Equal(p, b[off:off+int64(len(p))]) {
					t.Errorf("parallel read at %d: %v", off, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestIdentityTellsVersionsApart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) Identity {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		id, err := IdentityOf(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a, b, longer := write("a", "one"), write("b", "one"), write("a", "longer")
	if a == b || a == longer || a.Size != 3 || a.Dev == 0 || a.Ino == 0 || a.Mtime == 0 || a.Ctime == 0 {
		t.Errorf("identities %+v %+v %+v", a, b, longer)
	}
	if _, err := IdentityOf(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a bad descriptor: %v", err)
	}
}

func TestParseDigest(t *testing.T) {
	d := Digest(sha256.Sum256(nil))
	if got, err := ParseDigest(d.String()); err != nil || got != d {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "ab", d.String()[1:] + "g", d.String() + "00"} {
		if _, err := ParseDigest(bad); err == nil {
			t.Errorf("%q is taken for a digest", bad)
		}
	}
}

// The chunks that were checked last are shared memory of all readers: none may get another's. There are more readers than
// shards, so that some meet in one.
func TestReadersDoNotGetEachOthersChunks(t *testing.T) {
	contents, readers := make([][]byte, 3*recentShards), make([]*Reader, 3*recentShards)
	for r := range readers {
		b := content(2 * ChunkSize)
		for i := range b {
			b[i] ^= byte(r)
		}
		contents[r], readers[r] = b, NewReader(bytes.NewReader(b), build(t, b))
	}
	for range 3 {
		for _, off := range []int64{5, ChunkSize + 5} {
			for r, reader := range readers {
				p := make([]byte, 100)
				if _, err := reader.ReadAt(p, off); err != nil || !bytes.Equal(p, contents[r][off:off+100]) {
					t.Fatalf("reader %d at %d: %v, or another's bytes", r, off, err)
				}
			}
		}
	}
}
