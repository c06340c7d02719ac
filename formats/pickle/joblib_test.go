package pickle

import (
	"strings"
	"testing"

	"trustfs/formats"
)

// wrapper spells joblib's stand-in for an array, whose bytes follow it.
func wrapper(dtype, shape, align string) string {
	state := []string{str("subclass"), g("numpy", "ndarray"), str("shape"), shape, str("order"), str("C"), str("dtype"), dtype}
	if align != "" {
		state = append(state, str("numpy_array_alignment_bytes"), align)
	}
	return newobj(g("joblib.numpy_pickle", "NumpyArrayWrapper")) + dict(state...) + "b"
}

func TestJoblib(t *testing.T) {
	f8 := dtypeBuilt("f8", "N", "N", "N", -1, 0)
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	raw := strings.Repeat("\x00\xff", 8)
	evil := reduce(g("os", "system"), str("id"))
	tests := []struct {
		name, body string
		rules      string
	}{
		{"array", wrapper(f8, tuple("K\x02"), "") + raw, ""},
		{"no dimensions", wrapper(f8, ")", "") + raw[:8], ""},
		{"empty", wrapper(f8, tuple("K\x00"), ""), ""},
		{"padded", wrapper(f8, tuple("K\x02"), "K\x10") + "\x03\xff\xff\xff" + raw, ""},
		{"two", wrapper(f8, tuple("K\x02"), "") + raw + "0" + wrapper(f8, tuple("K\x01"), "") + raw[:8], ""},
		{"payload behind", wrapper(f8, tuple("K\x02"), "") + raw + evil, "global_dangerous reduce"},
		{"payload in the array's place", wrapper(f8, tuple("K\x08"), "") + evil + strings.Repeat("\x00", 64-len(evil)), "global_dangerous reduce"},
		{"objects", wrapper(obj, tuple("K\x02"), "") + load("]"), ""},
		{"payload among objects", wrapper(obj, tuple("K\x02"), "") + load(evil), "global_dangerous reduce"},
		{"objects cut off", wrapper(obj, tuple("K\x02"), "") + "\x80\x02K", "pickle_malformed"},
		{"array cut off", wrapper(f8, tuple("K\x70"), "") + raw, "pickle_malformed"},
		{"size overflows", wrapper(f8, tuple("J\xff\xff\xff\x7f", "J\xff\xff\xff\x7f", "J\xff\xff\xff\x7f"), "") + raw, "pickle_malformed"},
		{"size overflows to two", wrapper(f8, tuple("K\x03", "\x8a\x08\x56\x55\x55\x55\x55\x55\x55\x55"), "") + raw, "pickle_malformed"},
		{"negative", wrapper(f8, tuple("J\xff\xff\xff\xff"), "") + raw, "pickle_malformed"},
		{"unknown dtype", wrapper("N", tuple("K\x02"), "") + raw, "pickle_malformed"},
		{"an array called", wrapper(f8, tuple("K\x02"), "") + raw + ")R", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := inspectText(load(tc.body))
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Rule)
			}
			seen := strings.Join(got, " ")
			if tc.rules == "" && seen != "" || !strings.HasPrefix(seen, tc.rules) {
				t.Errorf("found %q, want %q", rulesOf(r), tc.rules)
			}
			if r.Format != formats.FormatJoblib {
				t.Errorf("format %q", r.Format)
			}
		})
	}
}

// A reader that does not know joblib stops inside of the array; what it would read next is judged as well.
func TestReadersThatStopSooner(t *testing.T) {
	f8 := dtypeBuilt("f8", "N", "N", "N", -1, 0)
	array := "." + load(reduce(g("os", "system"), str("id")))
	array += strings.Repeat("\x00", 64-len(array))
	if r := inspectText(load(wrapper(f8, tuple("K\x08"), "") + array)); !has(r, formats.RuleGlobalDangerous) {
		t.Errorf("found %q", rulesOf(r))
	}
}

func TestJoblibDepth(t *testing.T) {
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	body := "N"
	for range 20 {
		body = wrapper(obj, tuple("K\x01"), "") + load(body)
	}
	if r := inspectText(load(body)); !has(r, formats.RuleLimitExceeded) {
		t.Errorf("found %q, want a limit", rulesOf(r))
	}
}
