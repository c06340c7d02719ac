package pickle

import (
	"strings"
	"testing"

	"trustfs/formats"
)

const od = "ccollections\nOrderedDict\n)R"

// Each case is one stream; want lists the findings by rule and the beginning of the detail, in order.
func TestNamesAndCalls(t *testing.T) {
	set := reduce(g("builtins", "set"), "]")
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"data only", load(dict(str("a"), "K\x01")), nil},
		{"allowed call", load(set), nil},
		{"Python 2 spelling", load(reduce(g("__builtin__", "set"), "]")), nil},
		{"dangerous, not called", load(g("posix", "system")), []string{"global_dangerous posix.system"}},
		{"dangerous call", load(reduce(g("posix", "system"), str("id"))),
			[]string{"global_dangerous posix.system", `reduce posix.system("id"): a dangerous call`}},
		{"dangerous, popped", load(reduce(g("posix", "system"), str("id")) + "0N"),
			[]string{"global_dangerous posix.system", `reduce posix.system("id")`}},
		{"renamed below protocol 3", load(g("__builtin__", "eval")), []string{"global_dangerous __builtin__.eval"}},
		{"commands of Python 2", load(g("commands", "getoutput")), []string{"global_dangerous commands.getoutput"}},
		{"dangerous only as Python 3 renames it", load(g("gdbm", "open")), []string{"global_dangerous gdbm.open"}},
		{"once for each name", load(g("my.mod", "Net") + "0" + g("my.mod", "Net")), []string{"global_unknown my.mod.Net"}},
		{"unknown call", load(newobj(g("my.mod", "Net"))),
			[]string{"global_unknown my.mod.Net", "reduce NEWOBJ my.mod.Net()"}},
		{"value called", load(reduce(g("torch", "FloatStorage"), "K\x01")), []string{"reduce torch.FloatStorage(1): may be a value"}},
		{"result called", load(set + ")R"), []string{"reduce the result of builtins:set([])()"}},
		{"inst", load("(" + "icollections\nOrderedDict\n"), []string{"inst collections.OrderedDict"}},
		{"inst of the dangerous", "(S'id'\nios\nsystem\n.",
			[]string{"global_dangerous os.system", "inst os.system", `reduce INST os.system("id")`}},
		{"obj", load("(" + g("os", "system") + str("id") + "o"), []string{"global_dangerous os.system", `reduce OBJ os.system("id")`}},
		{"dynamic", "\x80\x04" + reduce(g("builtins", "str"), str("os")) + "\x8c\x06system\x93.", []string{"global_dynamic"}},
		{"dynamic that is no text", "\x80\x04" + od + "\x8c\x06system\x93.", []string{"global_dynamic"}},
		{"extension", load("\x82\x01"), []string{"pickle_extension"}},
		{"out-of-band buffer", "\x80\x05\x97.", []string{"pickle_malformed"}},
		{"keywords to NEWOBJ_EX of a class made empty", "\x80\x04" + g("types", "SimpleNamespace") + ")" + dict(str("a"), "N") + "\x92.",
			[]string{"reduce NEWOBJ_EX types.SimpleNamespace() with"}},
		{"broken after the deed", "\x80\x02" + reduce(g("posix", "system"), str("id")) + "\xff",
			[]string{"global_dangerous", "reduce", "pickle_malformed"}},
		{"no STOP", "\x80\x02" + reduce(g("posix", "system"), str("id")), []string{"global_dangerous", "reduce", "pickle_malformed"}},
		{"too high a protocol", "\x80\x09N.", []string{"pickle_malformed"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, inspectText(tc.stream), tc.want) })
	}
}

func expect(t *testing.T, r formats.Result, want []string) {
	t.Helper()
	got := rulesOf(r)
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("found %q\nwant  %q", got, want)
	}
}

func TestPresetNamed(t *testing.T) {
	r := inspectText(load(newobj(g("sklearn.svm._classes", "SVC"))))
	if len(r.Findings) != 2 || r.Findings[0].Preset != "sklearn" || r.Findings[1].Preset != "sklearn" {
		t.Errorf("findings %+v, want two that name the preset sklearn", r.Findings)
	}
	if r := inspectText(load(newobj(g("sklearn.svm._classes", "SVC"))), "sklearn"); len(r.Findings) != 0 {
		t.Errorf("with the preset: %v", r.Findings)
	}
}

func TestWhereAndFacts(t *testing.T) {
	c := newContext()
	s := source("xx" + load(reduce(g("posix", "system"), str("id"))))
	s.Where = "a/data.pkl"
	out := Inspect(c, s, Options{Start: 2})
	if out.End != s.Size || out.Streams != 1 || out.Err != nil {
		t.Errorf("outcome %+v", out)
	}
	if w := c.Result.Findings[0].Where; w != "a/data.pkl@4" {
		t.Errorf("where %q, want the offset in the file", w)
	}
	c = newContext()
	Inspector{}.Inspect(c, source(load(reduce(g("__builtin__", "set"), "]")+"0"+reduce(g("__builtin__", "set"), ")")+"0"+g("torch", "float32"))))
	if got := strings.Join(c.Result.Facts.Globals, " "); got != "__builtin__:set builtins:set torch:float32" {
		t.Errorf("globals %q", got)
	}
	if got := strings.Join(c.Result.Facts.Calls, " "); got != "__builtin__.set([])" {
		t.Errorf("calls %q, want each allowed callable once", got)
	}
}

// Arguments decide: the same name is admitted with one kind and refused with another.
func TestArgumentRules(t *testing.T) {
	lin, layer := g("torch.nn.modules.linear", "Linear"), newobj(g("torch.nn.modules.linear", "Linear"))
	getattr := func(a ...string) string { return reduce(g("builtins", "getattr"), a...) }
	enc := func(s, e string) string { return reduce(g("_codecs", "encode"), str(s), str(e)) }
	rtv := func(f, cls string, args, state string) string {
		return reduce(g("torch._tensor", "_rebuild_from_type_v2"), f, cls, args, state)
	}
	storage := tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03") + "Q"
	tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"), storage, "K\x00", ")", ")", "\x89", "}")
	ns := newobj(g("types", "SimpleNamespace"))
	same := func(v string) string { return reduce(g("torch.jit._pickle", "restore_type_tag"), v, str("x")) }
	f8, obj := dtypeBuilt("f8", "N", "N", "N", -1, 0), dtypeBuilt("O8", "N", "N", "N", -1, 63)
	scalar := func(a ...string) string { return reduce(g("numpy.core.multiarray", "scalar"), a...) }
	hook := dict(str("__setstate__"), g("torch.storage", "_load_from_bytes"))
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"getattr of a module class", getattr(lin, str("forward")), true},
		{"getattr of an instance", getattr(layer, str("forward")), true},
		{"getattr of an instance, another method", getattr(layer, str("register_module")), false},
		{"getattr special", getattr(lin, str("__init__")), false},
		{"getattr private", getattr(lin, str("_version")), false},
		{"getattr of a function's module", getattr(g("logging", "getLogger"), str("func_globals")), false},
		{"getattr of a path", getattr(g("pathlib", "PosixPath"), str("unlink")), false},
		{"getattr of a container", getattr(g("collections", "OrderedDict"), str("fromkeys")), false},
		{"getattr with a default", getattr(lin, str("a"), "N"), false},
		{"getattr of a run-time name", getattr(lin, reduce(g("builtins", "str"), str("forward"))), false},
		{"partial", reduce(g("functools", "partial"), lin), true},
		{"partial of a rule", reduce(g("functools", "partial"), g("builtins", "getattr")), false},
		{"partial of a result", reduce(g("functools", "partial"), layer), false},
		{"call of a partial", reduce(g("functools", "partial"), g("builtins", "list")) + ")R", true},
		{"call of a partial of a value", reduce(g("functools", "partial"), g("torch", "FloatStorage")) + ")R", false},
		{"call of a partial that BUILD changed", reduce(g("functools", "partial"), g("builtins", "list")) +
			tuple(g("torch", "FloatStorage"), ")", "}", "N") + "b)R", false},
		{"partial, BUILD to a rule", reduce(g("functools", "partial"), g("builtins", "list")) +
			tuple(g("builtins", "getattr"), ")", "}", "N") + "b", false},
		{"reconstructor", reduce(g("copy_reg", "_reconstructor"), lin, g("__builtin__", "object"), "N"), true},
		{"reconstructor of a value", reduce(g("copyreg", "_reconstructor"), g("numpy", "ndarray"), g("builtins", "object"), "N"), false},
		{"reconstructor of a rule", reduce(g("copyreg", "_reconstructor"), g("functools", "partial"), g("builtins", "object"), "N"), false},
		{"reconstructor, another base", reduce(g("copyreg", "_reconstructor"), lin, lin, "N"), false},
		{"newobj function", reduce(g("copyreg", "__newobj__"), lin), true},
		{"newobj function with arguments", reduce(g("copyreg", "__newobj__"), lin, "K\x01"), false},
		{"newobj function of a value", reduce(g("copyreg", "__newobj__"), g("torch", "FloatStorage")), false},
		{"encode", enc("x", "latin1"), true},
		{"encode rot13", enc("x", "rot13"), false},
		{"encode of an object", reduce(g("_codecs", "encode"), layer, str("latin1")), false},
		{"defaultdict", reduce(g("collections", "defaultdict"), g("builtins", "list")), true},
		{"defaultdict of a function", reduce(g("collections", "defaultdict"), g("torch.storage", "_load_from_bytes")), false},
		{"defaultdict of a partial", reduce(g("collections", "defaultdict"), reduce(g("functools", "partial"), lin)), false},
		{"type of None", reduce(g("builtins", "type"), "N"), true},
		{"type with three", reduce(g("builtins", "type"), str("X"), ")", "}"), false},
		{"type of a class", reduce(g("builtins", "type"), lin), false},
		{"from_type_v2", rtv(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(tensor), "}"), true},
		{"from_type_v2 of no rebuild function", rtv(g("builtins", "list"), g("torch", "Tensor"), ")", "}"), false},
		{"from_type_v2 of a namespace", rtv(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(ns), "}"), false},
		{"from_type_v2 that stores a function", rtv(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(tensor), dict(str("detach"), g("builtins", "list"))), false},
		{"from_type_v2 with pairs for attributes", rtv(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(tensor), "]"), false},
		{"from_type_v2 of a value", rtv(g("torch", "FloatStorage"), g("torch", "Tensor"), ")", "}"), false},
		{"from_type_v2 of the dangerous", rtv(g("os", "system"), g("torch", "Tensor"), tuple(str("id")), "}"), false},
		{"from_type_v2 of getattr", rtv(g("builtins", "getattr"), g("torch", "Tensor"), tuple(g("pathlib", "Path"), str("unlink")), "}"), false},
		{"from_type_v2 of itself", rtv(g("torch._tensor", "_rebuild_from_type_v2"), g("torch", "Tensor"),
			tuple(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(tensor), "}"), "}"), false},
		{"from_type_v2 with a special attribute", rtv(g("torch._utils", "_rebuild_parameter"), g("torch", "Tensor"), tuple(tensor), hook), false},
		{"parameter state", reduce(g("torch._utils", "_rebuild_parameter_with_state"), tensor, "N", "N", dict(str("a"), "N")), true},
		{"parameter state of a dtype", reduce(g("torch._utils", "_rebuild_parameter_with_state"), tensor, "N", "N", dict(str("a"), g("torch", "float32"))), true},
		{"parameter state of an object with items", reduce(g("torch._utils", "_rebuild_parameter_with_state"), tensor, "N", "N", ns), false},
		{"parameter state that stores a partial", reduce(g("torch._utils", "_rebuild_parameter_with_state"), tensor, "N", "N",
			dict(str("detach"), reduce(g("functools", "partial"), lin))), false},
		{"parameter state without a tensor", reduce(g("torch._utils", "_rebuild_parameter_with_state"), ns, "N", "N", "N"), false},
		{"parameter", reduce(g("torch._utils", "_rebuild_parameter"), tensor, "\x88", "}"), true},
		{"parameter of a namespace", reduce(g("torch._utils", "_rebuild_parameter"), ns, "\x88", "}"), false},
		{"Parameter of a tensor", newobj(g("torch.nn.parameter", "Parameter"), tensor), true},
		{"Parameter of a namespace", newobj(g("torch.nn.parameter", "Parameter"), ns), false},
		{"Buffer of a namespace", newobj(g("torch.nn.parameter", "Buffer"), ns), false},
		{"tensor of a namespace", reduce(g("torch._utils", "_rebuild_tensor_v2"), ns, "K\x00", ")", ")", "\x89", "}"), false},
		{"tensor of a class that torch's id names", reduce(g("torch._utils", "_rebuild_tensor_v2"),
			tuple(str("module"), lin, str("f"), str("s"))+"Q", "K\x00", ")", ")", "\x89", "}"), false},
		{"text of an object", reduce(g("builtins", "str"), layer), false},
		{"dict of an object", reduce(g("builtins", "dict"), ns), false},
		{"dict of a reconstructed object", reduce(g("builtins", "dict"), reduce(g("copy_reg", "_reconstructor"), lin, g("__builtin__", "object"), "N")), false},
		{"id of an object", newobj(g("uuid", "UUID"), ns), false},
		{"id of an object by keyword", "\x80\x04" + g("uuid", "UUID") + ")" + dict(str("hex"), ns) + "\x92", false},
		{"id of a text by keyword", "\x80\x04" + g("uuid", "UUID") + ")" + dict(str("hex"), str("a")) + "\x92", true},
		{"exception with an object", reduce(g("builtins", "ValueError"), layer), true},
		{"list of a list of objects", reduce(g("builtins", "list"), "]"+layer+"a"), true},
		{"dict of a dict", reduce(g("builtins", "dict"), od), true},
		{"reconstructor from an object", reduce(g("copy_reg", "_reconstructor"), g("collections", "Counter"), g("__builtin__", "dict"), ns), false},
		{"reconstructor from a dict", reduce(g("copy_reg", "_reconstructor"), g("collections", "Counter"), g("__builtin__", "dict"), "}"), true},
		{"storage class stored", dict(str("a"), g("torch", "FloatStorage")), false},
		{"tensor class stored", dict(str("a"), g("torch", "FloatTensor")), true},
		{"partial of a storage class", reduce(g("functools", "partial"), g("torch", "FloatStorage")), false},
		{"partial of a sparse tensor", reduce(g("functools", "partial"), g("torch._utils", "_rebuild_sparse_tensor")), false},
		{"partial of a function over tensors", reduce(g("functools", "partial"), g("torch.nn.functional", "gelu")), true},
		{"partial of a namespace", reduce(g("functools", "partial"), g("types", "SimpleNamespace")), false},
		{"partial, BUILD to a namespace", reduce(g("functools", "partial"), g("builtins", "list")) +
			tuple(g("types", "SimpleNamespace"), ")", "}", "N") + "b", false},
		{"partial, BUILD with attributes from a call", reduce(g("functools", "partial"), g("builtins", "list")) +
			tuple(g("builtins", "list"), ")", "}", od) + "b", false},
		{"partial, BUILD with keywords from a call", reduce(g("functools", "partial"), g("builtins", "list")) +
			tuple(g("builtins", "list"), ")", od, "N") + "b", false},
		{"a mark on a list", same("]"), true},
		{"a mark on a class that torch's id names", same(tuple(str("module"), lin, str("f"), str("s")) + "Q"), false},
		{"a mark on a storage", same(storage), true},
		{"a mark on a mark", same(same("}")), true},
		{"a mark on an object", same(ns), false},
		{"a mark on a name", same(lin), false},
		{"a mark, then an item", same("}") + str("a") + "Ns", false},
		{"scalar", scalar(f8, str("12345678")), true},
		{"scalar of a name", scalar(obj, lin), false},
		{"scalar of an object", scalar(obj, ns), false},
		{"scalar without a type", scalar("N", lin), false},
		{"scalar of a plain object", scalar(obj, str("a")), true},
		{"parameter state, special", reduce(g("torch._utils", "_rebuild_parameter_with_state"), "N", "N", "N", hook), false},
		{"wrapper subclass", reduce(g("torch._utils", "_rebuild_wrapper_subclass"), g("torch", "Tensor")), true},
		{"wrapper subclass of a list", reduce(g("torch._utils", "_rebuild_wrapper_subclass"), g("builtins", "list")), false},
		{"tensor from an array", reduce(g("torch._utils", "_rebuild_device_tensor_from_numpy"),
			reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), ")", "N")), true},
		{"tensor from a namespace", reduce(g("torch._utils", "_rebuild_device_tensor_from_numpy"), newobj(g("types", "SimpleNamespace"))), false},
		{"sparse tensor", reduce(g("torch._utils", "_rebuild_sparse_tensor"), "N", ")"), false},
		{"nested bytes", reduce(g("torch.storage", "_load_from_bytes"), enc(asText(load("N")), "latin1")), true},
		{"nested payload", reduce(g("torch.storage", "_load_from_bytes"), enc(asText(load(reduce(g("os", "system"), str("id")))), "latin1")), false},
		{"nested, unknown bytes", reduce(g("torch.storage", "_load_from_bytes"), reduce(g("builtins", "bytes"), "]")), false},
		{"array of an array class", reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), ")", "N"), true},
		{"array of another class", reduce(g("numpy.core.multiarray", "_reconstruct"), lin, ")", "N"), false},
		{"array with arguments out of sight", g("numpy.core.multiarray", "_reconstruct") + "(" + g("numpy", "ndarray") +
			strings.Repeat("N", 40) + "tR", false},
		{"dtype", reduce(g("numpy", "dtype"), str("f8"), "\x89", "\x88"), true},
		{"dtype of an object", reduce(g("numpy", "dtype"), layer), false},
		{"ufunc", reduce(g("numpy.core", "_ufunc_reconstruct"), str("numpy"), str("log1p")), true},
		{"ufunc of os", reduce(g("numpy.core", "_ufunc_reconstruct"), str("os"), str("system")), false},
		{"ufunc that is none", reduce(g("numpy.core", "_ufunc_reconstruct"), str("numpy"), str("load")), false},
		{"bit generator", reduce(g("numpy.random._pickle", "__generator_ctor"), str("PCG64")), true},
		{"bit generator class", reduce(g("numpy.random._pickle", "__bit_generator_ctor"), g("numpy.random._pcg64", "PCG64")), true},
		{"bit generator, another class", reduce(g("numpy.random._pickle", "__bit_generator_ctor"), g("builtins", "list")), false},
		{"bit generator constructor", reduce(g("numpy.random._pickle", "__randomstate_ctor"), str("MT19937"), g("builtins", "eval")), false},
		{"shared", reduce(g("torch.serialization", "_get_layout"), str("torch.strided")), true},
		{"shared of an object", reduce(g("torch.serialization", "_get_layout"), layer), false},
		{"class made empty", layer, true},
		{"class made with arguments", newobj(lin, "K\x01"), false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := inspectText(load(tc.body))
			if got := rulesOf(r); (len(got) == 0) != tc.ok {
				t.Errorf("found %q, want admitted %v", got, tc.ok)
			}
		})
	}
}

// What may only be made blank: REDUCE would run __init__, which some classes turn into a change of the whole process.
func TestBlank(t *testing.T) {
	state := g("accelerate.state", "PartialState")
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"as pickle makes it", load(newobj(state) + dict(str("backend"), "N") + "b"), nil},
		{"as protocol 0 makes it", load(reduce(g("copy_reg", "_reconstructor"), state, g("__builtin__", "object"), "N")), nil},
		{"called", load(reduce(state)), []string{"reduce accelerate.state.PartialState(): is made by NEWOBJ only"}},
		{"with an argument", load(newobj(state, "N")), []string{"reduce NEWOBJ accelerate.state.PartialState(None): is allowed without arguments"}},
		{"a special attribute", load(newobj(state) + dict(str("__class__"), "N") + "b"), []string{"reduce BUILD of accelerate.state.PartialState"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, inspectText(tc.stream, "python", "transformers"), tc.want) })
	}
}
