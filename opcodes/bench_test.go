package opcodes

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"testing"
)

// denseStreams are pickles of about size bytes that are nearly all opcodes, as a pickler would write them. Each comes
// with the number of stack and memo entries alive at its end.
var denseStreams = []struct {
	name string
	make func(size int) (data []byte, entries int)
}{
	{"ints", func(size int) ([]byte, int) {
		b := []byte("\x80\x04]\x94")
		for len(b) < size {
			b = append(b, '(')
			for i := range 1000 {
				b = append(b, 'K', byte(i))
			}
			b = append(b, 'e')
		}
		return append(b, '.'), 2
	}},
	{"memoized tuples", func(size int) ([]byte, int) {
		b, n := []byte("\x80\x04]\x94"), 1
		for len(b) < size {
			b = append(b, '(')
			for i := range 1000 {
				b = append(b, 0x8c, 1, 'a'+byte(i%26), 0x94, 'K', byte(i), 0x86, 0x94)
			}
			n += 2000
			b = append(b, 'e')
		}
		return append(b, '.'), n
	}},
	{"garbage tuples", func(size int) ([]byte, int) {
		return append(bytes.Repeat([]byte("N\x850"), size/3), "N."...), 1
	}},
	{"objects", func(size int) ([]byte, int) {
		b, n := []byte("\x80\x04\x8c\x01m\x94\x8c\x01C\x94\x93\x94]\x94("), 4
		for len(b) < size {
			b = append(b, "h\x02)\x81\x94}\x94\x8c\x01xK\x01sb"...)
			n += 3 // the object on the stack and in the memo, its state in the memo
		}
		return append(b, "e."...), n
	}},
	{"names", func(size int) ([]byte, int) {
		return append(bytes.Repeat([]byte("cos\nsystem\n0"), size/12), "N."...), 1
	}},
	{"binput", func(size int) ([]byte, int) {
		b, n := []byte("\x80\x02]q\x00("), 1
		for len(b) < size {
			b = append(b, 'X', 1, 0, 0, 0, 'k', 'r')
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
			b = append(b, 'h', 0, '0')
			n++
		}
		return append(b, "e."...), 2 * n
	}},
}

func BenchmarkDense(b *testing.B) {
	for _, s := range denseStreams {
		data, _ := s.make(50 << 20)
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for range b.N {
				rep := Run(bytes.NewReader(data), int64(len(data)), Options{Handler: func(*Machine, *Event) {}})
				if err := rep.Err(Python3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMemory holds the machine to 64 MiB and 24 bytes for each memo and stack entry alive.
func TestMemory(t *testing.T) {
	for _, s := range denseStreams {
		t.Run(s.name, func(t *testing.T) {
			data, entries := s.make(40 << 20)
			if peak := peakHeap(data); peak > 64<<20+24*int64(entries) {
				t.Errorf("%d MiB at most in use; %d entries allow %d", peak>>20, entries, (64<<20+24*int64(entries))>>20)
			} else {
				t.Logf("%d MiB at most in use; %d entries allow %d", peak>>20, entries, (64<<20+24*int64(entries))>>20)
			}
		})
	}
}

// A samplingReader looks at the heap each time the machine reads on.
type samplingReader struct {
	*bytes.Reader
	before, peak uint64
	reads        int
}

func (r *samplingReader) ReadAt(b []byte, off int64) (int, error) {
	if r.reads++; r.reads%16 == 0 {
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		if use := ms.HeapInuse + ms.StackInuse; use > r.before {
			r.peak = max(r.peak, use-r.before)
		}
	}
	return r.Reader.ReadAt(b, off)
}

func peakHeap(data []byte) int64 {
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	r := &samplingReader{Reader: bytes.NewReader(data), before: ms.HeapInuse + ms.StackInuse}
	rep := Run(r, int64(len(data)), Options{})
	if err := rep.Err(Python3); err != nil || r.reads < 100 {
		panic(fmt.Sprint(err, r.reads))
	}
	return int64(min(r.peak, math.MaxInt64))
}
