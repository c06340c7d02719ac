// Package oracle holds package opcodes to what CPython's own unpicklers do.
package oracle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"testing"

	"trustfs/opcodes"
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

const batch = 20_000 // cases for one process

// TestOracle makes up streams and compares what package opcodes tells with what CPython does.
func TestOracle(t *testing.T) {
	for _, path := range pythons(t) {
		t.Run(path, func(t *testing.T) {
			p := newPython(t, path)
			g := newGenerator(*seed, p.seeds())
			cases := keptCases(t)
			total := len(cases) + *number
			loaded := map[string]int{}
			for done := 0; done < total; done += len(cases) {
				if done > 0 {
					cases = nil
				}
				for len(cases) < min(batch, total-done) {
					cases = append(cases, g.next())
				}
				judge(t, done, cases, p.ask(cases), loaded)
			}
			t.Logf("%d cases, of which loaded: %v", total, loaded)
			for name, n := range loaded {
				if n < total/20 {
					t.Errorf("%s loaded only %d of %d cases: the generator tests little", name, n, total)
				}
			}
		})
	}
}

// judge compares the answers to a batch that begins with case number first.
func judge(t *testing.T, first int, cases [][]byte, answers []map[string]reader, loaded map[string]int) {
	t.Helper()
	for i, data := range cases {
		for name, a := range answers[i] {
			if a.Error == "" {
				loaded[name]++
			}
		}
		for _, diff := range compare(data, answers[i]) {
			t.Errorf("case %d %s\n%x\n%q", first+i, diff, data, data)
		}
		if t.Failed() {
			t.Fatal("add the stream to kept.txt when the difference is understood")
		}
	}
}

// TestRenames compares the names that Python 3 renames with CPython's own tables.
func TestRenames(t *testing.T) {
	for _, path := range pythons(t) {
		out, err := command(path, "--compat").Output()
		if err != nil {
			t.Fatal(err)
		}
		var tables struct {
			Modules       map[string]string
			Names         [][2][2]string
			FormerModules map[string]string `json:"former_modules"`
			FormerNames   [][2][2]string    `json:"former_names"`
		}
		if err := json.Unmarshal(out, &tables); err != nil || len(tables.Names) < 50 {
			t.Fatalf("%v: %d names", err, len(tables.Names))
		}
		for from, to := range tables.Modules {
			if got := opcodes.Python3Name(from, "?"); got != (opcodes.Name{Module: to, Name: "?"}) {
				t.Errorf("module %s becomes %s, want %s", from, got, to)
			}
		}
		for from, to := range tables.FormerModules {
			if got := opcodes.Python2Name(from, "?"); got != (opcodes.Name{Module: to, Name: "?"}) {
				t.Errorf("module %s was %s, want %s", from, got, to)
			}
		}
		for _, n := range tables.Names {
			if got := opcodes.Python3Name(n[0][0], n[0][1]); got != (opcodes.Name{Module: n[1][0], Name: n[1][1]}) {
				t.Errorf("%s becomes %s, want %s", n[0], got, n[1])
			}
		}
		for _, n := range tables.FormerNames {
			if got := opcodes.Python2Name(n[0][0], n[0][1]); got != (opcodes.Name{Module: n[1][0], Name: n[1][1]}) {
				t.Errorf("%s was %s, want %s", n[0], got, n[1])
			}
		}
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
