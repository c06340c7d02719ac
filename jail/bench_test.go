package jail

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkWarm is what the jail adds to one judgement when a worker is ready: median and 95th percentile.
func BenchmarkWarm(b *testing.B) {
	p := newTestPool(b, func(c *Config) { c.PoolSize = 16 })
	job := testJob(b, "read", nil)
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		eventually(b, "a full pool", func() bool { return len(p.idle) == cap(p.idle) })
		b.StartTimer()
		began := time.Now()
		if _, err := p.Run(b.Context(), job); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "µs-p95")
}

// BenchmarkFresh is how many files eight readers get judged a second, a fresh worker each.
func BenchmarkFresh(b *testing.B) {
	p := newTestPool(b, func(c *Config) { c.PoolSize, c.MaxWorkers = 8, 8 })
	job := testJob(b, "read", nil)
	b.SetParallelism(4) // times GOMAXPROCS
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Run(context.Background(), job); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

// BenchmarkReused is the same for a batch (audit), a worker for up to maxReuse files.
func BenchmarkReused(b *testing.B) {
	p := newTestPool(b, func(c *Config) { c.PoolSize, c.MaxWorkers = 4, 4 })
	job := testJob(b, "read", nil)
	job.Reuse = true
	for b.Loop() {
		if _, err := p.Run(b.Context(), job); err != nil {
			b.Fatal(err)
		}
	}
}
