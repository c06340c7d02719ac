package pickle

import (
	"strings"
	"testing"

	"trustfs/formats"
)

// Where attributes come from: None, a dict of the stream, a pair of those, and what a class is known to read.
func TestStates(t *testing.T) {
	module, sgd := newobj(g("torch.nn.modules.module", "Module")), newobj(g("torch.optim.sgd", "SGD"))
	pair := tuple(str("a"), "K\x01")
	ud := newobj(g("collections", "UserDict")) + dict(str("data"), dict(str("a"), "N")) + "b"
	array := reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), tuple("K\x00"), str("b"))
	state := func(raw string) string {
		return tuple("K\x01", tuple("K\x02"), dtypeBuilt("O8", "N", "N", "N", -1, 63), "\x89", raw) + "b"
	}
	bio := reduce(g("_io", "BytesIO"))
	hooks := func(v string) string { return tuple("\x88", "\x89", v) }
	param := newobj(g("torch.nn.parameter", "Parameter"))
	many := strings.Repeat("N", 40)
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"dict", module + dict(str("a"), "N") + "b", true},
		{"None", module + "Nb", true},
		{"pair", module + tuple("N", dict(str("a"), "N")) + "b", true},
		{"list of pairs", module + "](" + pair + "eb", false},
		{"empty list", module + "]b", false},
		{"tuple of three pairs", module + tuple(pair, pair, pair) + "b", false},
		{"pair of lists", module + tuple("]", "]") + "b", false},
		{"list of lists", module + "]](" + str("a") + "Neab", false},
		{"list, of an optimizer", sgd + "](" + pair + "eb", false},
		{"many", module + "(" + many + "tb", false},
		{"UserDict", module + ud + "b", false},
		{"OrderedDict", module + od + "b", false},
		{"text", module + str("a") + "b", false},
		{"array of objects", module + array + state("]("+str("a")+"Ne") + "b", false},
		{"array", array + state("]("+str("a")+"Ne"), true},
		{"array, encoded bytes", array + state(reduce(g("_codecs", "encode"), str("a"), str("latin1"))), true},
		{"metric with an array of joblib's", reduce(g("sklearn.metrics._dist_metrics", "newObj"), g("sklearn.metrics._dist_metrics", "EuclideanDistance")) +
			tuple("K\x02", newobj(g("joblib.numpy_pickle", "NumpyArrayWrapper")), "N") + "b", true},
		{"metric with an object", reduce(g("sklearn.metrics._dist_metrics", "newObj"), g("sklearn.metrics._dist_metrics", "EuclideanDistance")) +
			tuple("K\x02", ud, "N") + "b", false},
		{"array with an object's bytes", array + state(ud), false},
		{"BytesIO", bio + tuple(str("x"), "K\x00", "N") + "b", true},
		{"BytesIO with attributes", bio + tuple(str("x"), "K\x00", dict(str("a"), "N")) + "b", true},
		{"BytesIO with attributes from a call", bio + tuple(str("x"), "K\x00", od) + "b", false},
		{"BytesIO with a special attribute", bio + tuple(str("x"), "K\x00", dict(str("__setstate__"), "N")) + "b", false},
		{"Random", reduce(g("random", "Random")) + tuple("K\x03", "("+many+"t", "N") + "b", true},
		{"bit generator", reduce(g("numpy.random._pickle", "__bit_generator_ctor"), str("PCG64")) + dict(str("a"), "N") + "b", true},
		{"old Parameter without a tensor", param + hooks("N") + "b", false},
		{"old hooks of a Module", module + hooks("N") + "b", false},
		{"tokenizer", reduce(g("tokenizers", "Tokenizer")) + str("{}") + "b", true},
		{"tokenizer of an object", reduce(g("tokenizers", "Tokenizer")) + ud + "b", false},
		{"frame of blocks", newobj(g("pandas.core.frame", "DataFrame")) + reduce(g("pandas.core.internals.managers", "BlockManager")) + "b", true},
		{"frame of pairs", newobj(g("pandas.core.frame", "DataFrame")) + od + "b", false},
		{"an unknown name's object", g("my", "Net") + ")R]b", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := rulesOf(inspectText(load(tc.body), allPresets()...)); (len(got) == 0) != tc.ok {
				t.Errorf("found %q, want admitted %v", got, tc.ok)
			}
		})
	}
}

// What an object or a container may hold: functions by themselves, but none that calls what it is told, nor a name that
// no preset knows.
func TestHeldNames(t *testing.T) {
	loader, ufunc, unknown, fn := g("torch.storage", "_load_from_bytes"), g("numpy.core", "_ufunc_reconstruct"), g("my", "run"), g("numpy", "log1p")
	pd := newobj(g("torch.nn.modules.container", "ParameterDict"))
	seq := newobj(g("torch.nn.modules.container", "Sequential"))
	for place, body := range map[string]func(f string) string{
		"list":             func(f string) string { return "]" + f + "a" },
		"list by LIST":     func(f string) string { return "(" + f + "l" },
		"list by index":    func(f string) string { return "]NaK\x00" + f + "s" },
		"dict":             func(f string) string { return dict(str("a"), f) },
		"dict by SETITEM":  func(f string) string { return "}" + str("a") + f + "s" },
		"dict, as a key":   func(f string) string { return "}" + f + "Ns" },
		"nested":           func(f string) string { return seq + dict(str("_modules"), dict(str("0"), f)) + "b" },
		"beyond many":      func(f string) string { return "](" + strings.Repeat("N", 100) + f + "e" },
		"tuple":            func(f string) string { return tuple(f) },
		"tuple of two":     func(f string) string { return str("a") + f + "\x86" },
		"item of a module": func(f string) string { return pd + str("get") + f + "s" },
		"OrderedDict":      func(f string) string { return od + str("a") + f + "s" },
		"deque":            func(f string) string { return reduce(g("collections", "deque")) + f + "a" },
		"argument":         func(f string) string { return reduce(g("builtins", "list"), f) },
		"keyword": func(f string) string {
			return g("collections", "OrderedDict") + ")" + dict(str("a"), f) + "\x92"
		},
		"set": func(f string) string { return "\x8f(" + f + "\x90" },
	} {
		for name, want := range map[string]bool{loader: true, ufunc: true, unknown: true, g("builtins", "getattr"): true, fn: false} {
			if r := inspectText("\x80\x04" + body(name) + "."); has(r, formats.RuleReduce) != want {
				t.Errorf("%s of %q: found %q", place, name, rulesOf(r))
			}
		}
	}
	for _, body := range []string{unknown + "0N", unknown, unknown + "q\x010h\x01"} {
		if r := inspectText(load(body)); len(r.Findings) != 1 || r.Findings[0].Rule != formats.RuleGlobalUnknown {
			t.Errorf("%q: found %q, want the name alone", body, rulesOf(r))
		}
	}
}

// Methods that an opcode calls may be attributes.
func TestItemsOfObjects(t *testing.T) {
	attr := func(name string) string { return dict(str(name), g("torch", "FloatStorage")) + "b" }
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"append of an exception", reduce(g("builtins", "Exception")) + attr("append") + "K\x01a", false},
		{"extend of a dict class", od + attr("extend") + "(K\x01e", false},
		{"add of a dict class", "\x80\x04" + od + attr("add") + "(K\x01\x90", false},
		{"append of a list class", reduce(g("builtins", "list")) + "K\x01a", true},
		{"item of an unknown object", reduce(g("my", "Net")) + str("a") + "Ns", false},
		{"item of a result", reduce(g("builtins", "getattr"), newobj(g("torch.nn.modules.linear", "Linear")), str("forward")) + ")R" + str("a") + "Ns", false},
		{"wrapper", wrapper(dtypeBuilt("f8", "N", "N", "N", -1, 0), tuple("K\x00"), ""), true},
		{"wrapper with a method", newobj(g("joblib.numpy_pickle", "NumpyArrayWrapper")) + attr("read"), false},
		{"wrapper of another class", newobj(g("joblib.numpy_pickle", "NumpyArrayWrapper")) + dict(str("subclass"), g("builtins", "list")) + "b", false},
		{"file with a method", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + dict(str("filename"), str("a.npy"), str("read"), "N") + "b", false},
		{"file", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + dict(str("filename"), str("a.npy"), str("subclass"), g("numpy", "ndarray"), str("allow_mmap"), "\x88") + "b", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := inspectText(load(tc.body))
			if has(r, formats.RuleReduce) == tc.ok {
				t.Errorf("found %q, want admitted %v", rulesOf(r), tc.ok)
			}
		})
	}
}

// A change is told of by itself: what drops the finding about the call does not drop this one.
func TestChangesOfUnknownObjects(t *testing.T) {
	for _, body := range []string{
		reduce(g("my", "Net")) + str("a") + "Ns",
		reduce(g("my", "Net")) + "Na",
		reduce(g("os", "system"), str("id")) + "Na",
		newobj(g("__torch__", "Net")) + str("a") + "Ns",
		reduce(g("builtins", "list")) + ")R" + str("a") + "Ns",
	} {
		found := 0
		for _, f := range inspectText(load(body)).Findings {
			if strings.HasPrefix(f.Detail, "SETITEM on ") || strings.HasPrefix(f.Detail, "APPEND on ") {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%q: %d findings about the change", body, found)
		}
	}
}

// cPickle keeps memo keys of text apart: its run is told from the others' once, not for ever.
func TestMemoKeysOfBothKinds(t *testing.T) {
	for _, body := range []string{"K\x01q\x00p1\n0N", "(K\x01q\x00p1\nI1\nq\x05g1\nt", "K\x01q\x00p1\n0" + g("os", "system")} {
		c := newContext()
		c.Budget.Opcodes = 1000
		Inspector{}.Inspect(c, source(load(body)))
		if has(c.Result, formats.RuleLimitExceeded) || has(c.Result, formats.RuleGlobalDangerous) != strings.Contains(body, "os") {
			t.Errorf("%q: found %q", body, rulesOf(c.Result))
		}
	}
}
