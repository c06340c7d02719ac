package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// firstOpen measures the open that judges the large model, beside SHA-256 alone on one core over the same cached bytes.
// The file's time is changed before each, so that it is a new version.
func firstOpen(s *stage, rounds int) ([]row, error) {
	plain, trusted := filepath.Join(s.plain, largeName), filepath.Join(s.trusted, largeName)
	var hash, open time.Duration
	for range rounds {
		if _, err := hashAlone(plain); err != nil { // from now on the bytes are in the page cache, for both
			return nil, err
		}
		took, err := hashAlone(plain)
		if err != nil {
			return nil, err
		}
		hash = least(hash, took)
		now := time.Now()
		if err := os.Chtimes(plain, now, now); err != nil {
			return nil, err
		}
		start := time.Now()
		f, err := os.Open(trusted)
		if err != nil {
			return nil, err
		}
		open = least(open, time.Since(start))
		f.Close()
	}
	return []row{{
		What: fmt.Sprintf("first open of %d MiB", s.size>>20), Beside: fmt.Sprintf("SHA-256 alone, one core: %.2f s", hash.Seconds()),
		Trusted: fmt.Sprintf("%.2f s", open.Seconds()), Ratio: fmt.Sprintf("%.2f of SHA-256", ratio(open, hash)),
		Goals: []goal{atMost(ratio(open, hash), 1.3, "")},
	}}, nil
}

func least(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

func hashAlone(path string) (time.Duration, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h, buf := sha256.New(), make([]byte, 1<<20)
	start := time.Now()
	_, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, buf)
	return time.Since(start), err
}

// memory reads what the daemon holds and has held at most, after all of the above.
func memory(s *stage, _ int) ([]row, error) {
	return memoryOf(s.daemon(), "memory of the daemon", 150)
}

// memoryOf reads what a process holds and has held at most; limit is in MB.
func memoryOf(pid int, what string, limit float64) ([]row, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	now, err1 := kib(string(text), "VmRSS:")
	most, err2 := kib(string(text), "VmHWM:")
	mb := func(kib int) float64 { return float64(kib) * 1024 / 1e6 }
	return []row{{
		What: what, Trusted: fmt.Sprintf("%.0f MB now, %.0f MB at most", mb(now), mb(most)), Goals: []goal{atMost(mb(most), limit, " MB")},
	}}, errors.Join(err1, err2)
}

func kib(status, key string) (int, error) {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == key {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("/proc/PID/status has no %s", key)
}
