package pickle

import (
	"testing"

	"trustfs/formats"
)

// torch's loader gives the second item of ("module", object, file, source) back whatever it is: only a class may stand
// there, and it is no storage. Loaders before torch 1.6 call the class in a storage's id.
func TestWhatPersistentIDsName(t *testing.T) {
	linear, od := g("torch.nn.modules.linear", "Linear"), newobj(g("collections", "OrderedDict"))
	id := func(items ...string) string { return tuple(items...) + "Q" }
	module := func(v string) string { return id(str("module"), v, str(""), str("")) }
	exception := reduce(g("builtins", "Exception"))
	parameter := func(v string) string { return reduce(g("torch._utils", "_rebuild_parameter"), v, "\x88", od) }
	tensor := func(v string) string {
		return reduce(g("torch._utils", "_rebuild_tensor_v2"), v, "K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", od)
	}
	storage := func(class string) string { return id(str("storage"), class, str("0"), str("cpu"), "K\x01") }
	tests := []struct {
		name, data string
		rule       string
	}{
		{"a class", newobj(module(linear)), ""},
		{"an object", module(exception), formats.RulePersistentID},
		{"an object as a tensor", parameter(module(exception)), formats.RuleReduce},
		{"an object as a storage", tensor(module(exception)), formats.RuleReduce},
		{"a class as a storage", tensor(module(linear)), formats.RuleReduce},
		{"an unknown id as a storage", tensor(id(str("other"), linear)), formats.RuleReduce},
		{"a storage", tensor(storage(g("torch", "FloatStorage"))), ""},
		{"a tensor's parameter", parameter(tensor(storage(g("torch", "FloatStorage")))), ""},
		{"a module's class as a storage's", storage(linear), formats.RulePersistentID},
		{"a module's class as a storage's, used", tensor(storage(linear)), formats.RuleReduce},
		{"what torch loads from bytes as a tensor", parameter(reduce(g("torch.storage", "_load_from_bytes"), "C\x02N.")), formats.RuleReduce},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if r := inspectText(load(tc.data)); tc.rule == "" && len(r.Findings) > 0 || tc.rule != "" && !has(r, tc.rule) {
				t.Errorf("found %q, want %q", rulesOf(r), tc.rule)
			}
		})
	}
}
