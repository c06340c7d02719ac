package pickle

import (
	"os"
	"runtime/metrics"
	"testing"

	"trustfs/formats"
	"trustfs/testdata/gen"
)

// mutated are the samples that are cut and changed: those of every judgement, and files as picklers write them.
func mutated() []string {
	out := append(samples(), string(gen.Harmless()), string(gen.Hostile("/nowhere")), string(gen.HostileBuiltin("/nowhere")),
		string(gen.TorchLegacy(gen.Tensors()[:1], "")))
	for i, s := range out {
		if len(s) > 600 {
			out[i] = s[:600] // tensors' bytes follow
		}
	}
	return out
}

const (
	smallOpcodes  = 100_000  // inspectSmall's
	mostAllocated = 24 << 20 // bytes that the analysis of one small file allocates, over all its runs
)

// checked analyses one changed sample and holds it to its budget: a report or a named refusal, at an end that came within
// so many opcodes, and no more memory than the budget is worth.
func checked(t *testing.T, data string, most *uint64) {
	t.Helper()
	before := allocated()
	c := smallContext()
	s := source(data)
	Inspector{}.Detect(c, s)
	Inspector{}.Inspect(c, s)
	if used := allocated() - before; used > mostAllocated {
		t.Fatalf("%q: %d bytes were allocated", data, used)
	} else {
		*most = max(*most, used)
	}
	// The opcode that exceeds the budget is counted, and what one look at a value costs.
	if spent := smallOpcodes - c.Budget.Opcodes; spent < 0 || spent > 2*smallOpcodes {
		t.Fatalf("%q: %d opcodes were executed", data, spent)
	}
	if c.Stopped() && !has(c.Result, formats.RuleLimitExceeded) {
		t.Fatalf("%q: stopped without a reason", data)
	}
	for _, f := range c.Result.Findings {
		if f.Rule == "" || f.Detail == "" {
			t.Fatalf("%q: a finding without words: %+v", data, f)
		}
	}
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// TestPrefixesAndMutations cuts every sample after each byte, and puts other values in the place of each byte: all 255 in
// the shorter samples, as many as show every kind of opcode in the longer ones, or with TRUSTFS_MUTATIONS=all all 255 in
// every sample (200,000 cases and more).
func TestPrefixesAndMutations(t *testing.T) {
	most, cases := uint64(0), 0
	for _, s := range mutated() {
		for n := range len(s) {
			checked(t, s[:n], &most)
			cases++
		}
		for i := range len(s) {
			for _, b := range replacements(len(s)) {
				if b != s[i] {
					checked(t, s[:i]+string([]byte{b})+s[i+1:], &most)
					cases++
				}
			}
		}
	}
	t.Logf("%d cases, at most %d KiB allocated by one", cases, most>>10)
}

// replacements gives the values that each byte of a sample of so many bytes is replaced by.
func replacements(length int) []byte {
	some := []byte{0xff, '.', 0x93, 'R', 'b', '\n', 0, 1, '(', 'c', 'N', 0x7f, 0x80, 0x95}
	switch {
	case length <= wholeMutations, os.Getenv("TRUSTFS_MUTATIONS") == "all":
		all := make([]byte, 256)
		for b := range all {
			all[b] = byte(b)
		}
		return all
	case underRace, length > 200:
		return some[:3]
	}
	return some
}
