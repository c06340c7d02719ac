package opcodes

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"trustfs/internal/dense"
)

// denseSize is how much of each shape benchmarks and tests of memory run over: MiB in TRUSTFS_DENSE_MB, or so many.
func denseSize(tb testing.TB, otherwise int64) int64 {
	text := os.Getenv("TRUSTFS_DENSE_MB")
	if text == "" {
		return otherwise << 20
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		tb.Fatalf("TRUSTFS_DENSE_MB=%q is no number of MiB", text)
	}
	return n << 20
}

func denseFile(tb testing.TB, s *dense.Shape, size int64) (f *os.File, length, entries int64) {
	f, length, entries, err := s.Create(filepath.Join(tb.TempDir(), s.Name), size)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f, length, entries
}

// BenchmarkDense runs the machine alone, with a handler that does nothing. MB/s-processor is what counts.
func BenchmarkDense(b *testing.B) {
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		b.Run(s.Name, func(b *testing.B) {
			f, n, _ := denseFile(b, s, denseSize(b, 50))
			b.SetBytes(n)
			b.ResetTimer()
			start := dense.Processor()
			seen := int64(0)
			for range b.N {
				rep := Run(f, n, Options{Readings: All, Handler: func(*Machine, *Event) {}})
				if e := rep.Exceeded(); e != nil {
					seen += e.Offset
					continue
				}
				if err := rep.Err(Python3); err != nil {
					b.Fatal(err)
				}
				seen += n
			}
			b.ReportMetric(float64(seen)/1e6/(dense.Processor()-start).Seconds(), "MB/s-processor")
		})
	}
}
