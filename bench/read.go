package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// warmRead measures read(2) of the large model from the page cache, 1 MiB at a time.
func warmRead(s *stage, rounds int) ([]row, error) {
	buf := make([]byte, 1<<20)
	return s.throughput("warm sequential read", rounds, func(path string) (time.Duration, error) { return readAll(path, buf) })
}

func readAll(path string, buf []byte) (time.Duration, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	start := time.Now()
	for {
		if _, err := f.Read(buf); errors.Is(err, io.EOF) {
			return time.Since(start), nil
		} else if err != nil {
			return 0, err
		}
	}
}

// warmMap measures a new mapping of the large model, all of which is read.
func warmMap(s *stage, rounds int) ([]row, error) {
	return s.throughput("warm mmap read", rounds, func(path string) (time.Duration, error) { return mapAll(path, s.size) })
}

func mapAll(path string, size int64) (time.Duration, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	start := time.Now()
	m, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, fmt.Errorf("%s: mmap: %w", path, err)
	}
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&m[0])), len(m)/8)
	var sum uint64
	for i := 0; i < len(words); i += 8 { // one word of each cache line
		sum += words[i]
	}
	runtime.KeepAlive(sum) // or the compiler leaves the reading out
	took := time.Since(start)
	return took, unix.Munmap(m)
}

// throughput measures the three ways to the large model, and compares them. Each way is read once before it is measured:
// a mount may have dropped the pages of the plain file, so that a model is not cached twice.
func (s *stage) throughput(what string, rounds int, measure func(path string) (time.Duration, error)) ([]row, error) {
	best, err := alternate(s.ways(largeName), rounds, func(path string) (time.Duration, error) {
		if _, err := measure(path); err != nil {
			return 0, err
		}
		return measure(path)
	})
	if err != nil {
		return nil, err
	}
	return []row{{
		What: fmt.Sprintf("%s of %d MiB", what, s.size>>20), Beside: beside(rate(s.size, best[0]), rate(s.size, best[1])), Trusted: rate(s.size, best[2]),
		Ratio: fmt.Sprintf("%.2f of the server, %.2f of the directory", ratio(best[1], best[2]), ratio(best[0], best[2])),
		Goals: []goal{atLeast(ratio(best[1], best[2]), 0.95, ""), atLeast(ratio(best[0], best[2]), 0.5, "")},
	}}, nil
}

func rate(size int64, d time.Duration) string {
	return fmt.Sprintf("%.2f GB/s", float64(size)/1e9/d.Seconds())
}
