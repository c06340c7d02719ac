package pickle

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/internal/dense"
)

func BenchmarkSmall(b *testing.B) {
	data := load(reduce(g("posix", "system"), str("id")))
	b.ReportAllocs()
	for b.Loop() {
		inspectText(data)
	}
}

// BenchmarkStateDict is a state dict of 3,000 tensors.
func BenchmarkStateDict(b *testing.B) {
	tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"),
		tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03")+"Q", "K\x00", tuple("K\x03"), tuple("K\x01"), "\x89", od)
	data := load(od + "(" + strings.Repeat(str("layer.weight")+tensor, 3000) + "u")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if r := inspectText(data); len(r.Findings) != 0 {
			b.Fatal(rulesOf(r))
		}
	}
}

// BenchmarkDense judges every shape of internal/dense, 50 MB of each or TRUSTFS_DENSE_MB. MB/s-processor is what counts.
func BenchmarkDense(b *testing.B) {
	size := int64(50) << 20
	if n, err := strconv.Atoi(os.Getenv("TRUSTFS_DENSE_MB")); err == nil {
		size = int64(n) << 20
	}
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		b.Run(s.Name, func(b *testing.B) {
			f, n, _, err := s.Create(filepath.Join(b.TempDir(), s.Name), size)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			b.SetBytes(n)
			b.ResetTimer()
			start := dense.Processor()
			for range b.N {
				c := &formats.Context{Budget: formats.DefaultBudget(), Presets: globals.Defaults()}
				Inspector{}.Inspect(c, &formats.Source{R: f, Size: n})
				if len(c.Result.Findings) > 0 && s.Refused == "" {
					b.Fatal(rulesOf(c.Result))
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/1e6/(dense.Processor()-start).Seconds(), "MB/s-processor")
		})
	}
}
