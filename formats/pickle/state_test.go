package pickle

import (
	"fmt"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/globals"
)

func TestMutations(t *testing.T) {
	ns := newobj(g("types", "SimpleNamespace"))
	bytesFn := g("torch.storage", "_load_from_bytes")
	attr := func(name string) string { return dict(str(name), bytesFn) }
	storage := tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03") + "Q"
	tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"), storage, "K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", reduce(g("collections", "OrderedDict")))
	array := reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), tuple("K\x00"), bin("b")) +
		tuple("K\x01", tuple("K\x00"), reduce(g("numpy", "dtype"), str("f4"), "\x89", "\x88"), "\x89", bin("")) + "b"
	interval := g("pandas._libs.interval", "__pyx_unpickle_IntervalMixin")
	many := "("
	for i := range 100 {
		many += str(fmt.Sprintf("a%d", i)) + "N"
	}
	tests := []struct {
		name, body, rule string
	}{
		{"BUILD of an object", ns + dict(str("a"), "K\x01") + "b", ""},
		{"BUILD on a name", g("numpy", "mean") + dict(str("a"), "N") + "b", formats.RuleGlobalMutated},
		{"BUILD on an unknown name", g("numpy", "size") + "})b", formats.RuleGlobalUnknown},
		{"SETITEM on a name", g("collections", "OrderedDict") + str("a") + "Ns", formats.RuleGlobalMutated},
		{"APPEND on a name", g("collections", "deque") + "Na", formats.RuleGlobalMutated},
		{"BUILD on a shared object", reduce(g("torch", "device"), str("cpu")) + dict(str("a"), "N") + "b", formats.RuleGlobalMutated},
		{"BUILD on an attribute", reduce(g("builtins", "getattr"), g("torch.nn.modules.linear", "Linear"), str("forward")) +
			dict(str("a"), "N") + "b", formats.RuleGlobalMutated},
		{"BUILD on a class that torch's id names", tuple(str("module"), g("torch.nn.modules.linear", "Linear"), str("f"), str("s")) +
			"Q" + dict(str("a"), "N") + "b", formats.RuleGlobalMutated},
		{"special attribute", ns + attr("__setstate__") + "b", formats.RuleReduce},
		{"a loader stored", ns + attr("append") + "b", formats.RuleReduce},
		{"a function stored", ns + dict(str("f"), g("numpy", "log1p")) + "b", ""},
		{"state from an attribute", ns + reduce(g("builtins", "getattr"), g("torch.nn.modules.linear", "Linear"), str("x")) + "b", formats.RuleReduce},
		{"special attribute of slots", ns + tuple("N", attr("__class__")) + "b", formats.RuleReduce},
		{"special attribute behind many", ns + many + str("__setstate__") + "N" + "db", formats.RuleReduce},
		{"many attributes", ns + many + "db", ""},
		{"attribute named at run time", ns + dict(reduce(g("builtins", "str"), str("a")), "N") + "b", formats.RuleReduce},
		{"state filled before", ns + od + str("__setstate__") + "Nsb", formats.RuleReduce},
		{"state from a call", ns + reduce(g("builtins", "dict"), "]") + "b", formats.RuleReduce},
		{"a tuple from a call", ns + reduce(g("builtins", "tuple"), "]") + "b", formats.RuleReduce},
		{"state that is an empty object", ns + ns + "b", formats.RuleReduce},
		{"item of a dict class", newobj(g("collections", "OrderedDict")) + str("__setstate__") + "Ns", ""},
		{"special item of another class", newobj(g("argparse", "Namespace")) + str("__setstate__") + "Ns", formats.RuleReduce},
		{"APPEND to a deque", reduce(g("collections", "deque")) + "Na", ""},
		{"APPEND to an object", newobj(g("argparse", "Namespace")) + "Na", formats.RuleReduce},
		{"file beside it", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + dict(str("filename"), str("a_01.npy")) + "b", ""},
		{"file elsewhere", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + dict(str("filename"), str("/etc/a.npy")) + "b", formats.RuleReduce},
		{"file above", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + dict(str("filename"), str("..")) + "b", formats.RuleReduce},
		{"item of a tensor", tensor + "K\x00K\x01s", formats.RuleReduce},
		{"item of a parameter", reduce(g("torch.nn.parameter", "Parameter"), tensor) + "K\x00K\x01s", formats.RuleReduce},
		{"item of an array", array + "K\x00K\x01s", formats.RuleReduce},
		{"state of a tensor", tensor + "(K\x00" + tensor + "db", formats.RuleReduce},
		{"a tensor", tensor, ""},
		{"an array", array, ""},
		{"intervals", reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x00", "N") + dict(str("_left"), "N") + "b", ""},
		{"intervals with fields", reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x00", tuple(str("right"))), ""},
		{"intervals with a special attribute", reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x00", tuple(dict(str("__setstate__"), "N"))), formats.RuleReduce},
		{"intervals with what has keys", reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x00", ns), formats.RuleReduce},
		{"intervals with a list", reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x00", "]"), formats.RuleReduce},
		{"seeds with a special attribute", reduce(g("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"), g("numpy.random.bit_generator", "SeedSequence"), "K\x00",
			tuple(dict(str("__setstate__"), "N"))), formats.RuleReduce},
		{"seeds", reduce(g("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"), g("numpy.random.bit_generator", "SeedSequence"), "K\x00", "N") +
			tuple("K\x07", "K\x00", array, "K\x04", ")") + "b", ""},
		{"seeds of another class", reduce(g("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"), g("types", "SimpleNamespace"), "K\x00", "N"), formats.RuleReduce},
		{"a size of bytes", reduce(g("builtins", "bytearray"), "\x8a\x06\x00\x00\x00\x00\x00\x10"), formats.RuleReduce},
		{"a small size of bytes", reduce(g("builtins", "bytes"), "K\x01"), formats.RuleReduce},
		{"a size that is an object", reduce(g("builtins", "bytes"), reduce(g("builtins", "int"), str("9999999999"))), formats.RuleReduce},
		{"a size by copyreg", reduce(g("copy_reg", "_reconstructor"), g("builtins", "object"), g("builtins", "bytearray"), "K\x01"), formats.RuleReduce},
		{"a truth value for a size", reduce(g("builtins", "bytes"), "\x88"), formats.RuleReduce},
		{"bytes", reduce(g("builtins", "bytearray"), str("abc"), str("latin-1")) + reduce(g("builtins", "bytes")) + "0" + reduce(g("builtins", "bytearray"), bin("abc")), ""},
		{"bytes that were text", reduce(g("builtins", "bytearray"), reduce(g("_codecs", "encode"), str("abc"), str("latin1"))), ""},
		{"bytes of a list", reduce(g("builtins", "bytes"), "](K\x01K\x02e"), ""},
		{"a whole network by a call", reduce(g("torchvision.models.alexnet", "AlexNet")), formats.RuleReduce},
		{"a transformer by a call", reduce(g("torch.nn.modules.transformer", "Transformer")), formats.RuleReduce},
		{"a whole network as pickle makes it", newobj(g("torchvision.models.alexnet", "AlexNet")) + dict(str("training"), "\x88") + "b", ""},
		{"no file", newobj(g("joblib.numpy_pickle", "NDArrayWrapper")) + "}b", formats.RuleReduce},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := inspectText(load(tc.body), append(globals.Defaults(), "pandas")...)
			if tc.rule == "" && len(r.Findings) != 0 || tc.rule != "" && !has(r, tc.rule) {
				t.Errorf("found %q, want %q", rulesOf(r), tc.rule)
			}
		})
	}
}

// num spells a small number, or a negative one, as BININT.
func num(n int32) string {
	return "J" + string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
}

func dtypeBuilt(typ string, sub, names, fields string, size, flags int32) string {
	return reduce(g("numpy", "dtype"), str(typ), "\x89", "\x88") +
		tuple("K\x03", str("|"), sub, names, fields, num(size), num(-1), num(flags)) + "b"
}

func TestDtypeState(t *testing.T) {
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	f8 := dtypeBuilt("f8", "N", "N", "N", -1, 0)
	field := func(d string, off int32) string { return dict(str("a"), tuple(d, num(off))) }
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"float", f8, true},
		{"object", obj, true},
		{"object that claims raw bytes", dtypeBuilt("O8", "N", "N", "N", -1, 0), false},
		{"structured", dtypeBuilt("V16", "N", tuple(str("a")), field(f8, 8), 16, 0), true},
		{"structured, objects inside", dtypeBuilt("V16", "N", tuple(str("a")), field(obj, 8), 16, 63), true},
		{"structured, objects denied", dtypeBuilt("V16", "N", tuple(str("a")), field(obj, 8), 16, 16), false},
		{"field outside", dtypeBuilt("V16", "N", tuple(str("a")), field(f8, 12), 16, 0), false},
		{"field before", dtypeBuilt("V16", "N", tuple(str("a")), field(f8, -8), 16, 0), false},
		{"subarray", dtypeBuilt("V16", tuple(f8, tuple("K\x02")), "N", "N", 16, 0), true},
		{"subarray too large", dtypeBuilt("V16", tuple(f8, tuple("K\x03")), "N", "N", 16, 0), false},
		{"subarray of objects, denied", dtypeBuilt("V16", tuple(obj, tuple("K\x02")), "N", "N", 16, 0), false},
		{"fields of no known form", dtypeBuilt("V16", "N", "N", newobj(g("types", "SimpleNamespace")), 16, 0), false},
		{"a short state", reduce(g("numpy", "dtype"), str("f8")) + tuple("K\x03") + "b", false},
		{"a state from a call", reduce(g("numpy", "dtype"), str("f8")) + reduce(g("builtins", "tuple"), "]") + "b", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := rulesOf(inspectText(load(tc.body))); (len(got) == 0) != tc.ok {
				t.Errorf("found %q, want admitted %v", got, tc.ok)
			}
		})
	}
}

func TestPersistentIDs(t *testing.T) {
	storage := tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03")
	var seen []Storage
	c := newContext()
	Inspect(c, source(load(storage+"Q")), Options{Storage: func(s Storage) { seen = append(seen, s) }})
	want := Storage{Class: "torch:FloatStorage", Key: "0", Location: "cpu", Numel: 3}
	if len(c.Result.Findings) != 0 || len(seen) != 1 || seen[0].Key != want.Key || seen[0].Class != want.Class || seen[0].Numel != 3 || seen[0].Location != "cpu" {
		t.Errorf("%v, storages %+v, want %+v", rulesOf(c.Result), seen, want)
	}
	for _, body := range []string{
		str("x") + "Q", "P0\n", "K\x05Q",
		tuple(str("storage"), g("builtins", "list"), str("0"), str("cpu"), "K\x03") + "Q",
		tuple(str("other"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03") + "Q",
		strings.Replace(storage, str("0"), "N", 1) + "Q",
	} {
		if r := inspectText(load(body)); !has(r, formats.RulePersistentID) {
			t.Errorf("%q: found %q", body, rulesOf(r))
		}
	}
}
