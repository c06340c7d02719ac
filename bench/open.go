package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// opens is how often a file is opened and closed in one round.
const opens = 20_000

// cachedOpen measures open and close of a judged file.
func cachedOpen(s *stage, rounds int) ([]row, error) {
	ways := s.ways(smallName)
	best, err := alternate(ways, rounds, openMany)
	if err != nil {
		return nil, err
	}
	return []row{{
		What: "cached open and close", Beside: beside(micro(best[0]), micro(best[1])), Trusted: micro(best[2]),
		Ratio: fmt.Sprintf("%.2f of the server", ratio(best[2], best[1])), Goals: []goal{atMost(ratio(best[2], best[1]), 1.25, "")},
	}}, nil
}

// openMany gives the time of one open and close.
func openMany(path string) (time.Duration, error) {
	start := time.Now()
	for range opens {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		unix.Close(fd)
	}
	return time.Since(start) / opens, nil
}

// alternate measures each way once a round, one after the other, and keeps the best of each: what disturbs the machine for
// a while then disturbs all of them. A first round warms up and does not count.
func alternate(ways [3]string, rounds int, measure func(path string) (time.Duration, error)) (best [3]time.Duration, err error) {
	for round := range rounds + 1 {
		for i, path := range ways {
			took, err := measure(path)
			if err != nil {
				return best, err
			}
			if round > 0 && (best[i] == 0 || took < best[i]) {
				best[i] = took
			}
		}
	}
	return best, nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func micro(d time.Duration) string { return fmt.Sprintf("%.1f us", float64(d)/1e3) }

// readers is how many open at the same time in manyFiles.
const readers = 8

// manyFiles measures first opens of many small files by several readers: a fresh worker judges each.
func manyFiles(s *stage, _ int) ([]row, error) {
	names, err := filepath.Glob(filepath.Join(s.trusted, "many", "*"))
	if err != nil {
		return nil, err
	}
	took := make([]time.Duration, len(names))
	errs := make([]error, readers)
	var wait sync.WaitGroup
	start := time.Now()
	for r := range readers {
		wait.Go(func() {
			for i := r; i < len(names); i += readers {
				at := time.Now()
				f, err := os.Open(names[i])
				if err != nil {
					errs[r] = err
					return
				}
				took[i] = time.Since(at)
				f.Close()
			}
		})
	}
	wait.Wait()
	all := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	rate := float64(len(names)) / all.Seconds()
	return []row{{
		What: fmt.Sprintf("first open of %d small files, %d readers", len(names), readers), Trusted: fmt.Sprintf("%.0f files/s", rate),
		Ratio: fmt.Sprintf("median %.1f ms, 95th %.1f ms", ms(took[len(took)/2]), ms(took[len(took)*95/100])),
		Goals: []goal{atLeast(rate, 150, " files/s")},
	}}, nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
