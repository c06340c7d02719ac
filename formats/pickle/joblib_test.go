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
		{"objects", wrapper(obj, tuple("K\x02"), "") + load(objects("N")), ""},
		{"no array among objects", wrapper(obj, tuple("K\x02"), "") + load("]"), "pickle_malformed"},
		{"payload among objects", wrapper(obj, tuple("K\x02"), "") + load(evil), "global_dangerous reduce"},
		{"objects cut off", wrapper(obj, tuple("K\x02"), "") + "\x80\x02K", "pickle_malformed"},
		{"array cut off", wrapper(f8, tuple("K\x70"), "") + raw, "pickle_malformed"},
		{"size overflows", wrapper(f8, tuple("J\xff\xff\xff\x7f", "J\xff\xff\xff\x7f", "J\xff\xff\xff\x7f"), "") + raw, "pickle_malformed"},
		{"size overflows to two", wrapper(f8, tuple("K\x03", "\x8a\x08\x56\x55\x55\x55\x55\x55\x55\x55"), "") + raw, "pickle_malformed"},
		{"negative", wrapper(f8, tuple("J\xff\xff\xff\xff"), "") + raw, "pickle_malformed"},
		{"unknown dtype", wrapper("N", tuple("K\x02"), "") + raw, "pickle_malformed"},
		{"an array called", wrapper(f8, tuple("K\x02"), "") + raw + ")R", "reduce"},
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

// objects spells an array of objects as NumPy pickles it.
func objects(items ...string) string {
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	return reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), tuple("K\x00"), str("b")) +
		tuple("K\x01", tuple("K"+string(rune(len(items)))), obj, "\x89", "]("+strings.Join(items, "")+"e") + "b"
}

// joblib takes what the pickle behind a wrapper gives for the array, whatever it is, and goes on behind it: a class that
// it calls, an object with attributes that look like an array's, a str. A reader who does not know joblib stops before.
func TestJoblibTakesAnythingForAnArray(t *testing.T) {
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	u1 := dtypeBuilt("u1", "N", "N", "N", -1, 0)
	array := func(inner string) string { return wrapper(obj, tuple("K\x01"), "") + load(inner) }
	evil := "0" + reduce(g("os", "system"), str("id"))
	module := newobj(g("torch.nn.modules.container", "Sequential")) + dict(str("dtype"), "N") + "b"
	called := reduce(g("functools", "partial"), g("collections", "OrderedDict"))
	second := dict(str("subclass"), g("numpy", "ndarray"), str("shape"), tuple("K"+string(rune(len(evil)))), str("order"), str("C"),
		str("dtype"), u1, str("allow_mmap"), "\x89") + "b"
	padded := dict(str("numpy_array_alignment_bytes"), "K\x10") + "b"
	order, _, _ := strings.Cut(array("N"), "\x80\x02")
	tests := []struct {
		name, data string
		ok         bool
	}{
		{"an array", load(array(objects("N", str("x")))), true},
		{"a matrix", load(array(strings.Replace(objects("N"), "ndarray", "matrix", 1))), true},
		{"two arrays", load("]" + array(objects("N")) + "a" + array(objects("N")) + "a"), true},
		{"an array, to be called", load(array(objects("N")) + ")R"), false},
		{"a class, called", load(array(g("collections", "OrderedDict")) + ")R" + evil), false},
		{"a class", load(array(g("collections", "OrderedDict"))), false},
		{"a stored call", load(array(called) + ")R" + evil), false},
		{"an object", load(array(module)), false},
		{"an object with a tensor's methods", load(reduce(g("torch._utils", "_rebuild_parameter"), array(module), "\x88", newobj(g("collections", "OrderedDict")))), false},
		{"a state for what is there", load(array(module) + second + evil), false},
		{"a state for an array", load(wrapper(u1, tuple("K\x01"), "") + "x" + second + evil), false},
		{"a wrapper's second state", load(newobj(g("joblib.numpy_pickle", "NumpyArrayWrapper")) + "q\x07" + padded + "0h\x07" + second + evil), false},
		{"a text", "\x80\x04" + array(str("os")) + str("system") + "\x93" + str("id") + "\x85R.", false},
		{"readers stop at two places", load(order + "\x80\x04\x95" + "\xff\x00\x00\x00\x00\x00\x00\x00" + objects("N") + "." + strings.Repeat("\x00", 255)), false},
		{"a wrapper by copyreg", load(reduce(g("copy_reg", "_reconstructor"), g("joblib.numpy_pickle", "NumpyArrayWrapper"), g("builtins", "object"), "N")), false},
		{"a wrapper by __newobj__", load(reduce(g("copyreg", "__newobj__"), g("joblib.numpy_pickle", "NumpyArrayWrapper"))), false},
		{"two copies of joblib", load(wrapper(u1, tuple("K\x00"), "") + "0" + strings.Replace(wrapper(u1, tuple("K\x00"), ""), "joblib", "sklearn.externals.joblib", 1)), false},
		{"unknown bytes that hold a STOP", load(wrapper(dtypeBuilt("float_", "N", "N", "N", -1, 0), tuple("K\x01"), "") + ".\x80\x02N"), false},
		{"a number of another size", load(wrapper(dtypeBuilt("f8", "N", "N", "N", 16, 0), tuple("K\x01"), "") + strings.Repeat("\x00", 16)), false},
		{"a number said to be objects", load(wrapper(dtypeBuilt("f8", "N", "N", "N", -1, 63), tuple("K\x01"), "") + load(objects("N"))), false},
		{"in a frame", "\x80\x04\x95" + string([]byte{byte(len(wrapper(u1, tuple("K\x01"), "")) + 2)}) + "\x00\x00\x00\x00\x00\x00\x00" + wrapper(u1, tuple("K\x01"), "") + "N0." + "x", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if r := inspectText(tc.data); len(r.Findings) == 0 != tc.ok {
				t.Errorf("found %q", rulesOf(r))
			}
		})
	}
}
