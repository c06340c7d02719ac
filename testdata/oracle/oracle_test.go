// Package oracle holds package opcodes to what CPython's own unpicklers do.
package oracle

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"strconv"
	"testing"
)

var (
	number = flag.Int("n", envInt("ORACLE_N", 20_000), "cases that are made up (ORACLE_N)")
	seed   = flag.Uint64("seed", uint64(envInt("ORACLE_SEED", 1)), "of the random generator (ORACLE_SEED)")
)

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestOracle makes up streams and compares what package opcodes tells with what CPython does.
func TestOracle(t *testing.T) {
	for _, python := range pythons(t) {
		t.Run(python, func(t *testing.T) {
			p := start(t, python)
			kept := keptCases(t)
			g := newGenerator(*seed, p.seeds())
			failures := 0
			loaded := map[string]int{}
			for i := range len(kept) + *number {
				var data []byte
				if i < len(kept) {
					data = kept[i]
				} else {
					data = g.next()
				}
				answer := p.ask(data)
				for name, a := range answer {
					if a.Error == "" {
						loaded[name]++
					}
				}
				for _, diff := range compare(data, answer) {
					t.Errorf("case %d %s\n%x\n%q", i, diff, data, data)
					if failures++; failures >= 10 {
						t.Fatal("too many differences")
					}
				}
			}
			t.Logf("%d cases, of which loaded: %v", len(kept)+*number, loaded)
			for name, n := range loaded {
				if n < *number/20 {
					t.Errorf("%s loaded only %d of %d cases: the generator tests little", name, n, *number)
				}
			}
		})
	}
}

// keptCases gives the streams in which a difference was once found.
func keptCases(t *testing.T) [][]byte {
	raw, err := os.ReadFile("kept.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, line := range bytes.Fields(raw) {
		data, err := hex.DecodeString(string(line))
		if err != nil {
			t.Fatalf("kept.txt: %v", err)
		}
		out = append(out, data)
	}
	if len(out) == 0 {
		t.Fatal("kept.txt holds no case")
	}
	return out
}

// TestComparisonFails shows that compare sees a name, a call and a refusal that are missing.
func TestComparisonFails(t *testing.T) {
	data := []byte("cos\nsystem\n)R.")
	good := reader{Did: []deed{{"global", "os:system", 11}, {"call", "os:system", 13}}}
	for name, a := range map[string]reader{
		"another name":  {Did: []deed{{"global", "os:popen", 11}, {"call", "os:system", 13}}},
		"another place": {Did: []deed{{"global", "os:system", 10}, {"call", "os:system", 13}}},
		"no call":       {Did: []deed{{"global", "os:system", 11}}},
		"one more call": {Did: append(append([]deed{}, good.Did...), deed{"call", "result", 14})},
	} {
		if len(compare(data, map[string]reader{"py3": a})) == 0 {
			t.Errorf("%s: no difference found", name)
		}
	}
	if d := compare(data, map[string]reader{"py3": good}); len(d) != 0 {
		t.Errorf("good answer: %v", d)
	}
	if len(compare([]byte("cos\nsystem\n)R"), map[string]reader{"py3": good})) == 0 {
		t.Error("a stream that CPython loads and we call malformed is no difference")
	}
}

func TestGeneratorIsDeterministic(t *testing.T) {
	a, b := newGenerator(7, [][]byte{{'N', '.'}}), newGenerator(7, [][]byte{{'N', '.'}})
	for range 100 {
		if x, y := a.next(), b.next(); !bytes.Equal(x, y) {
			t.Fatalf("%x and %x", x, y)
		}
	}
}
