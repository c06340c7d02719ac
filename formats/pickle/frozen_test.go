package pickle

import (
	"strings"
	"testing"
)

// What was judged stays as it was judged: a class may have kept the dict, not a copy. Each has a control beside it that
// differs in that alone.
func TestJudgedStays(t *testing.T) {
	poly := newobj(g("numpy.polynomial.polynomial", "Polynomial"))
	partial := reduce(g("functools", "partial"), g("builtins", "int"))
	special := str("__setstate__") + g("numpy", "asarray") + "s"
	plainItem := str("coef") + "Ns"
	keywords := func(a, b string) string { return partial + tuple(g("builtins", "int"), ")", a, b) + "b" }
	get := func(d string) string { return "0h\x01" + d + "0" }
	changed := []string{"reduce SETITEM on a dict that was judged already"}
	userDict := newobj(g("collections", "UserDict"))
	parameter := func(state string) string {
		tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"), tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x01")+"Q",
			"K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", od)
		return reduce(g("torch._utils", "_rebuild_parameter_with_state"), tensor, "\x89", od, state)
	}
	tests := []struct {
		name, body string
		want       []string
	}{
		{"attributes", poly + "}q\x01b" + get(special) + "N", changed},
		{"attributes under a plain name", poly + "}q\x01b" + get(plainItem) + "N", changed},
		{"attributes of which there are some", poly + "}q\x01" + plainItem + "b" + get(special) + "N", changed},
		{"many at once", poly + "}q\x01b0h\x01(" + str("a") + "Nu0N", []string{"reduce SETITEMS on a dict that was judged already"}},
		{"attributes of slots", poly + "N}q\x01\x86b" + get(special) + "N", changed},
		{"attributes before BUILD", poly + "}q\x01" + plainItem + "b", nil},
		{"a dict that two objects share", poly + "}q\x01" + plainItem + "b" + poly + "h\x01b\x86", nil},
		{"a dict that is no state", poly + "}b}q\x01" + plainItem + "\x86", nil},
		{"keywords of a stored call", keywords("}q\x01", "N") + get(str("base")+"Ns") + "N", changed},
		{"attributes of a stored call", keywords("N", "}q\x01") + get(special) + "N", changed},
		{"a stored call", keywords("}q\x01"+str("base")+"Ns", "}"), nil},
		{"attributes of a parameter", parameter("}q\x01") + get(str("a")+"Ns") + "N", changed},
		{"a parameter", parameter("}q\x01" + str("a") + "Ns"), nil},
		{"by another class's items", userDict + "q\x02" + dict(str("data"), "}q\x01") + "b" + poly + "h\x01b0h\x02" + special + "0N",
			[]string{"reduce SETITEM on an object of collections.UserDict that has its state"}},
		{"items before the state", userDict + plainItem + "}b", nil},

		// Recursion: what is filled later lies in a state, and is none.
		{"an object in its own list", newobj(g("types", "SimpleNamespace")) + "q\x02" + dict(str("l"), "]q\x01h\x02a") + "b", nil},
		{"a list that its objects know", "]q\x01(" + newobj(g("types", "SimpleNamespace")) + dict(str("parent"), "h\x01") + "bNe", nil},
		{"a dict that its objects know", "}q\x01(" + str("a") + newobj(g("types", "SimpleNamespace")) + dict(str("parent"), "h\x01") + "b" + str("b") + "Nu", nil},
		{"an ordered dict that its objects know", od + "q\x01(" + str("a") + newobj(g("types", "SimpleNamespace")) + dict(str("parent"), "h\x01") + "bNNu}b", nil},
		{"objects that know each other", newobj(g("types", "SimpleNamespace")) + "q\x01" + dict(str("a"), newobj(g("types", "SimpleNamespace"))+dict(str("b"), "h\x01")+"b") + "b", nil},
		{"a set that its objects know", "\x80\x04\x8fq\x01(" + newobj(g("types", "SimpleNamespace")) + dict(str("parent"), "h\x01") + "b\x90", nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, inspectText(load(tc.body)), tc.want) })
	}
}

// A dtype gets its state once, before anything is made of it, and keeps its fields.
func TestDtypeStays(t *testing.T) {
	build := func(fields string, flags int32) string {
		return tuple("K\x03", str("|"), "N", tuple(str("a")), fields, num(8), num(1), num(flags)) + "b"
	}
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	i8 := dtypeBuilt("i8", "N", "N", "N", -1, 0)
	v8 := reduce(g("numpy", "dtype"), str("V8"), "\x89", "\x88") + "q\x01"
	field := func(d string) string { return dict(str("a"), tuple(d, "K\x00")) }
	array := reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), tuple("K\x00"), "C\x01b") +
		tuple("K\x01", tuple("K\x01"), "h\x01", "\x89", "C\x08AAAAAAAA") + "b"
	second := "a second state"
	tests := []struct {
		name, body, want string
	}{
		{"an array", v8 + build(field(i8), 16) + array, ""},
		{"a date's unit below protocol 3", reduce(g("numpy", "dtype"), str("M8"), "\x89", "\x88") + tuple("K\x04", str("<"), "N", "N", "N", num(-1), num(-1), "K\x00",
			tuple("}", tuple(reduce(g("_codecs", "encode"), str("ns"), str("latin1")), "K\x01"))) + "b", ""},
		{"fields that change", v8 + build(field(i8)+"q\x03", 16) + "h\x03" + str("a") + tuple(obj, "K\x00") + "s0" + array, "judged already"},
		{"fields that are deleted later", v8 + build(field(i8)+"q\x03", 16) + array + "h\x03" + str("a") + tuple(obj, "K\x00") + "s", "judged already"},
		{"a second state", v8 + build(field(i8), 16) + build(field(obj), 63) + array, second},
		{"a state behind an array", v8 + array + "0h\x01" + build(field(obj), 63), second},
		{"a state behind a list", v8 + "0]h\x01a0h\x01" + build(field(obj), 63), ""},
		{"a part that changes", v8 + build(field(reduce(g("numpy", "dtype"), str("V8"))+"q\x02"), 16) + "h\x02" + build(field(obj), 63), second},
		{"a subarray's type that changes", v8 + tuple("K\x03", str("|"), tuple(reduce(g("numpy", "dtype"), str("V8"))+"q\x02", "K\x01"), "N", "N", num(8), num(1), num(0)) + "b" +
			"h\x02" + build(field(obj), 63), second},
		{"a subarray's shape that may change", v8 + tuple("K\x03", str("|"), tuple(i8, "]K\x01a"), "N", "N", num(8), num(1), num(0)) + "b", "subarray"},
		{"names that may change", v8 + tuple("K\x03", str("|"), "N", "]"+str("a")+"a", field(i8), num(8), num(1), num(0)) + "b", "names"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := rulesOf(inspectText("\x80\x03" + tc.body + "."))
			if tc.want == "" && len(got) != 0 || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// A name whose calls must be seen gets into no list by a number that cannot be read, and into no pair.
func TestHeldEverywhere(t *testing.T) {
	pair := func(v string) string { return reduce(g("collections", "OrderedDict"), "]"+tuple(str("k"), v)+"a") }
	at := func(index, v string) string {
		return reduce(g("collections", "OrderedDict"), "]]("+str("k")+"Ne"+index+v+"sa")
	}
	long := "\x8a\x09\x01" + strings.Repeat("\x00", 8)
	huge := "\x8a\x09" + strings.Repeat("\x01", 9)
	one := reduce(g("builtins", "int"), "K\x01")
	loads, parameter := g("torch.storage", "_load_from_bytes"), g("torch._utils", "_rebuild_parameter")
	id := func(items ...string) string { return tuple(append([]string{str("storage")}, items...)...) }
	storage := id(g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x01")
	tensor := tuple(storage+"Q", "K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", od)
	rebuilt := tuple(g("torch._utils", "_rebuild_tensor_v2"), g("torch.nn.parameter", "Parameter"), tensor, "}")
	bitgen := g("numpy.random._pickle", "__bit_generator_ctor")
	held, atNone := "though its calls count only", "at an index that cannot be told"
	tests := []struct {
		name, body, want string
	}{
		{"a number", at("K\x01", loads), held},
		{"a wide number", at(long, loads), held},
		{"a number that is too wide", at(huge, loads), held},
		{"a number of run time", at(one, loads), held},
		{"a harmless value at a number", at(long, "N"), ""},
		{"a harmless value at a number that is too wide", at(huge, "N"), atNone},
		{"a harmless value at a number of run time", at(one, "N"), atNone},
		{"a pair", pair(parameter), held},
		{"a pair with a storage's class", pair(g("torch", "FloatStorage")), held},
		{"a pair with a constructor", pair(bitgen), held},
		{"a pair with a harmless name", pair(g("torch", "float32")), ""},
		{"arguments of a stored call", reduce(g("functools", "partial"), g("numpy", "add"), parameter), held},
		{"arguments of another function", reduce(g("builtins", "set"), parameter), held},
		{"a result, as of the storages of torch's first files", tuple(g("torch", "FloatStorage")), ""},
		{"a tuple that waits", storage + "N0Q", ""},
		{"a tuple that waits for another call", storage + od + "0Q", held},
		{"a tuple that waits for another id", storage + "NQ", held},
		{"two tuples", storage + storage + "QN\x87", held},
		{"a persistent id", storage + "Q", ""},
		{"a persistent id from the memo", storage + "q\x01Q", ""},
		{"a tensor of a type", g("torch._tensor", "_rebuild_from_type_v2") + rebuilt + "R", ""},
		{"a tensor of a type, remembered", g("torch._tensor", "_rebuild_from_type_v2") + rebuilt + "q\x01R", ""},
		{"a generator", reduce(g("numpy.random._pickle", "__generator_ctor"), str("PCG64"), bitgen), ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := rulesOf(inspectText(load(tc.body)))
			if tc.want == "" && len(got) != 0 || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// However a name is spelled, it is read, or refused as one that cannot be.
func TestLongNames(t *testing.T) {
	escaped := func(s string, n int) string {
		return "V" + strings.Repeat("\\U0000005f", 2) + s + strings.Repeat("\\U00000061", n) + strings.Repeat("\\U0000005f", 2) + "\n"
	}
	object := newobj(g("types", "SimpleNamespace"))
	tests := []struct {
		name, key, want string
	}{
		{"escaped", escaped("cuda", 20), "special attribute"},
		{"blanks behind quotes", "S'__setstate__'" + strings.Repeat(" ", 300) + "\n", "special attribute"},
		{"more blanks than are looked at", "S'__setstate__'" + strings.Repeat(" ", 5000) + "\n", "too long"},
		{"more escapes than are looked at", escaped("x", 500), "too long"},
		{"a long plain name", str(strings.Repeat("a", 5000)), ""},
		{"a long name of protocol 0", "V" + strings.Repeat("a", 300) + "\n", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(rulesOf(inspectText(load(object+"}"+tc.key+"Nsb"))), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// Constructors ask objects for methods, which attributes may shadow once BUILD gave some.
func TestMethodsFromAttributes(t *testing.T) {
	state := dict(str("keys"), reduce(g("functools", "partial"), g("logging", "getLogger"), str("x"))) + "b"
	exception := reduce(g("builtins", "Exception"))
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"an exception with attributes", reduce(g("builtins", "dict"), exception+state), false},
		{"an ordered dict with attributes", reduce(g("builtins", "dict"), od+state), false},
		{"a namespace from a dict", reduce(g("builtins", "dict"), reduce(g("types", "SimpleNamespace"), dict(str("keys"), g("numpy", "asarray")))), false},
		{"an exception as it is", reduce(g("builtins", "dict"), exception), true},
		{"an ordered dict", reduce(g("builtins", "dict"), od), true},
		{"an array", reduce(g("builtins", "set"), reduce(g("numpy.core.multiarray", "_reconstruct"), g("numpy", "ndarray"), tuple("K\x00"), "C\x01b")+
			tuple("K\x01", tuple("K\x01"), dtypeBuilt("u1", "N", "N", "N", -1, 0), "\x89", "C\x01A")+"b"), true},
		{"attributes afterwards", exception + "q\x01" + reduce(g("builtins", "dict"), "h\x01") + "0" + state, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := rulesOf(inspectText("\x80\x03" + tc.body + "."))
			if (len(got) == 0) != tc.ok {
				t.Errorf("found %q, want admitted %v", got, tc.ok)
			}
		})
	}
}
