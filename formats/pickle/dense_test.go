package pickle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/internal/dense"
)

// denseChild names the shape that this process, started by TestResident, analyses.
const denseChild = "TRUSTFS_DENSE_CHILD"

// TestResident holds the whole analysis to 64 MiB and 24 bytes for each stack and memo entry alive at once: peak resident
// memory of a process of its own for each shape, whatever the size of the file. TRUSTFS_DENSE_MB=200 makes them large, and
// -v shows figures for docs/benchmarks.md.
func TestResident(t *testing.T) {
	if name := os.Getenv(denseChild); name != "" {
		analyseDense(t, name)
		return
	}
	if underRace {
		t.Skip("the race detector's own memory is many times what is measured: run without it")
	}
	size := int64(24)
	if n, err := strconv.ParseInt(os.Getenv("TRUSTFS_DENSE_MB"), 10, 32); err == nil {
		size = n
	}
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		t.Run(s.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), s.Name)
			f, n, entries, err := s.Create(path, size*1e6)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			cmd := exec.Command(os.Args[0], "-test.run=^TestResident$", "-test.v")
			cmd.Env = append(os.Environ(), denseChild+"="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var peak, took int64
			var reason string
			_, figures, _ := strings.Cut(string(out), "figures ")
			if _, err := fmt.Sscanf(figures, "%d %d %q", &peak, &took, &reason); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			if allowed := 64<<20 + 24*entries; peak > allowed {
				t.Errorf("%d MiB resident at most; %d entries allow %d", peak>>20, entries, allowed>>20)
			}
			// How large a stream must be to exceed the default budget, two of the shapes say.
			if large := entries > formats.DefaultBudget().MemoEntries; large != (reason != "") || large && !strings.Contains(reason, s.Refused) {
				t.Errorf("refused for %q; %d entries", reason, entries)
			}
			t.Logf("| %s | %.0f MB/s | %d MiB | %d |", s.Name, float64(n)/1e6/time.Duration(took).Seconds(), peak>>20, entries)
		})
	}
}

// analyseDense is the child: it prints its peak, its processor time and why it stopped. It collects garbage as a worker does.
func analyseDense(t *testing.T, path string) {
	debug.SetGCPercent(50)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := &formats.Context{Budget: formats.DefaultBudget(), Presets: globals.Defaults()}
	start := dense.Processor()
	Inspector{}.Inspect(c, &formats.Source{R: f, Size: info.Size()})
	took := dense.Processor() - start
	reason := ""
	for _, found := range c.Result.Findings {
		reason += found.Rule + ": " + found.Detail
	}
	fmt.Printf("figures %d %d %q\n", dense.Resident(), took.Nanoseconds(), reason)
}

// TestDenseBudgets: what no budget admits is refused by the budget's name, in a shape of each kind.
func TestDenseBudgets(t *testing.T) {
	for shape, budgets := range map[string]map[string]formats.Budget{
		"stack":       {"stack and memo entries": {MemoEntries: 1000}},
		"memo":        {"stack and memo entries": {MemoEntries: 1000}},
		"marks":       {"marks": {MemoEntries: 1000}},
		"kept-lists":  {"stack and memo entries": {MemoEntries: 1000}},
		"tuples":      {"stack and memo entries": {MemoEntries: 1500}, "opcodes": {Opcodes: 10_000}},
		"deep-tuples": {"opcodes": {Opcodes: 10_000}},
		"names":       {"string bytes": {StringBytes: 60}},
	} {
		for words, limits := range budgets {
			var b strings.Builder
			if _, err := dense.Named(shape).Write(&b, 100_000); err != nil {
				t.Fatal(err)
			}
			c := newContext()
			for have, limit := range map[*int64]int64{&c.Budget.MemoEntries: limits.MemoEntries, &c.Budget.Opcodes: limits.Opcodes, &c.Budget.StringBytes: limits.StringBytes} {
				if limit > 0 {
					*have = limit
				}
			}
			Inspector{}.Inspect(c, source(b.String()))
			if !c.Stopped() || len(c.Result.Findings) != 1 || c.Result.Findings[0].Rule != formats.RuleLimitExceeded || !strings.Contains(c.Result.Findings[0].Detail, words) {
				t.Errorf("%s, a budget of %s: %v", shape, words, rulesOf(c.Result))
			}
		}
	}
}
