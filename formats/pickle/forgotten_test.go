package pickle

import (
	"strings"
	"testing"
)

// buried gives a stream's memo entry q\x01 = body back behind so many objects that the machine forgets what it holds.
func buried(body, then string) string {
	return load("(" + body + "q\x01" + strings.Repeat("](K\x01K\x02e", 1_000_000) + "l0h\x01" + then)
}

// What the machine had to forget is no more harmless than it was.
func TestForgottenCallables(t *testing.T) {
	if testing.Short() {
		t.Skip("streams of a million objects are not judged with -short")
	}
	zone := reduce(reduce(g("builtins", "getattr"), g("zoneinfo", "ZoneInfo"), str("_unpickle")), str("UTC"), "\x88")
	id := tuple(str("module"), g("torch.nn.modules.container", "Sequential"), str("f"), str("s")) + "Q"
	storage := tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x01") + "Q"
	state := dict(str("key"), str("x")) + "b"
	tensor := "q\x020" + reduce(g("torch._utils", "_rebuild_tensor_v2"), "h\x02", "K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", reduce(g("collections", "OrderedDict")))
	asDict := "q\x020" + reduce(g("builtins", "dict"), "h\x02")
	stored := reduce(reduce(g("functools", "partial"), g("collections", "OrderedDict")))
	tests := []struct {
		name, data string
		ok         bool
	}{
		{"what getattr reached", load(zone), true},
		{"what getattr reached, with a state", load(zone + state), false},
		{"what getattr reached, forgotten, with a state", buried(zone, state), false},
		{"what getattr reached, forgotten and left alone", buried(zone, ""), true},
		{"what getattr reached, forgotten, as a dict", buried(zone, asDict), false},
		{"a stored call's result, forgotten, as a dict", buried(stored, asDict), false},
		{"a stored call's result, as a dict", load(stored + asDict), false},
		{"a storage", load(storage + tensor), true},
		{"a class as a storage", load(id + tensor), false},
		{"a class as a storage, forgotten", buried(id, tensor), false},
		{"a storage, forgotten", buried(storage, tensor), true}, // many tensors share one
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if r := inspectText(tc.data); len(r.Findings) == 0 != tc.ok {
				t.Errorf("found %q", rulesOf(r))
			}
		})
	}
}
