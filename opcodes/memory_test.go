package opcodes

import (
	"os"
	"runtime"
	"testing"

	"trustfs/internal/dense"
)

// TestMemory holds the machine to 64 MiB and 24 bytes for each memo and stack entry alive, over every shape: the heap
// that is in use whenever the machine reads on, beyond what was in use before. Peak resident memory of a process over
// 200 MB is measured by TestResident.
func TestMemory(t *testing.T) {
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		t.Run(s.Name, func(t *testing.T) {
			f, n, entries := denseFile(t, s, denseSize(t, 12))
			allowed := 64<<20 + 24*entries
			if peak := peakHeap(t, f, n); peak > allowed {
				t.Errorf("%d MiB at most in use; %d entries allow %d", peak>>20, entries, allowed>>20)
			}
		})
	}
}

// A samplingReader looks at the heap each time the machine reads on.
type samplingReader struct {
	*os.File
	before, peak uint64
	reads        int
}

func (r *samplingReader) ReadAt(b []byte, off int64) (int, error) {
	if r.reads++; r.reads%2 == 0 {
		r.peak = max(r.peak, inUse()-min(r.before, inUse()))
	}
	return r.File.ReadAt(b, off)
}

func inUse() uint64 {
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.HeapInuse + ms.StackInuse
}

func peakHeap(t *testing.T, f *os.File, size int64) int64 {
	runtime.GC()
	r := &samplingReader{File: f, before: inUse()}
	rep := Run(r, size, Options{})
	if err := rep.Err(Python3); err != nil && rep.Exceeded() == nil || r.reads < 40 {
		t.Fatal(err, r.reads)
	}
	return int64(r.peak)
}
