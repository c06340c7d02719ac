package pickle

import "testing"

// Shapes that pickles of real libraries have, and the nearest ones that no library writes.
func TestShapesOfLibraries(t *testing.T) {
	zone := g("zoneinfo", "ZoneInfo")
	unpickle := reduce(g("__builtin__", "getattr"), zone, str("_unpickle"))
	berlin := reduce(unpickle, str("Europe/Berlin"), "K\x01")
	storage := tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x01") + "Q"
	tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"), storage, "K\x00", tuple("K\x01"), tuple("K\x01"), "\x89", od)
	packed := g("torch.nn.utils.rnn", "PackedSequence")
	cyclic := g("torch.optim.lr_scheduler", "CyclicLR")
	interval := g("pandas._libs.interval", "__pyx_unpickle_IntervalMixin")
	arrow := reduce(g("pyarrow.lib", "_restore_array"), tuple(reduce(g("pyarrow.lib", "type_for_alias"), str("large_string")), "K\x01", "K\x00", "K\x00",
		"](N"+reduce(g("pyarrow.lib", "py_buffer"), reduce(g("builtins", "bytearray"), "C\x02\x00\x00"))+"e", "]", "N"))
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"a time zone", "\x80\x04" + reduce("\x8c\x08zoneinfo\x8c\x12ZoneInfo._unpickle\x93", str("Europe/Berlin"), "K\x01") + ".", nil},
		{"a time zone below protocol 4", load(berlin), nil},
		{"a time zone's key that is no text", load(reduce(unpickle, od)), []string{"reduce zoneinfo.ZoneInfo._unpickle"}},
		{"what a time zone hides", load(reduce(g("__builtin__", "getattr"), zone, str("_weak_cache"))), []string{`reduce __builtin__.getattr(zoneinfo:ZoneInfo, "_weak_cache")`}},
		{"a time zone that is changed", load(berlin + dict(str("key"), "N") + "b"), []string{"global_mutated BUILD on what zoneinfo.ZoneInfo._unpickle looks up"}},
		{"a scheduler's method", load(reduce(g("__builtin__", "getattr"), cyclic, str("_triangular_scale_fn"))), nil},
		{"a scheduler's method, called", load(reduce(reduce(g("__builtin__", "getattr"), cyclic, str("_triangular_scale_fn")), "K\x01")),
			[]string{"reduce torch.optim.lr_scheduler.CyclicLR._triangular_scale_fn(1): may be a value"}},
		{"a packed sequence", load(newobj(packed, tensor, tensor, "N", "N")), nil},
		{"a packed sequence of something else", load(newobj(packed, tensor, newobj(g("types", "SimpleNamespace")))),
			[]string{"reduce NEWOBJ torch.nn.utils.rnn.PackedSequence"}},
		{"a gradient scaler's states", load(reduce(g("collections", "defaultdict"), g("torch.amp.grad_scaler", "_refresh_per_optimizer_state"))), nil},
		{"a factory that is no plain type", load(reduce(g("collections", "defaultdict"), g("torch", "Size"))), []string{"reduce collections.defaultdict(torch:Size): with the factory"}},
		{"a polynomial", load(newobj(g("numpy.polynomial.polynomial", "Polynomial")) + dict(str("coef"), "N") + "b"), nil},
		{"a search's scorer", load(dict(str("score"), g("sklearn.metrics._scorer", "_passthrough_scorer"))), nil},
		{"a search's scorer, called", load(reduce(g("sklearn.metrics._scorer", "_passthrough_scorer"), "N")), []string{"reduce sklearn.metrics._scorer._passthrough_scorer(None): may be a value"}},
		{"strings of NumPy", load(reduce(g("numpy._core._internal", "_convert_to_stringdtype_kwargs"), "K\x01")), nil},
		{"intervals", load(reduce(interval, g("pandas.arrays", "IntervalArray"), "K\x01", "N")), nil},
		{"intervals of another class", load(reduce(interval, g("torch", "Tensor"), "K\x01", "N")), []string{"reduce pandas._libs.interval.__pyx_unpickle_IntervalMixin"}},
		{"strings of Arrow", load(newobj(g("pandas.arrays", "ArrowStringArray")) + dict(str("_pa_array"), arrow) + "b"), nil},
		{"a type of Arrow that is changed", load(reduce(g("pyarrow.lib", "type_for_alias"), str("int8")) + dict(str("id"), "N") + "b"), []string{"global_mutated BUILD on what pyarrow.lib.type_for_alias looks up"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			expect(t, inspectText(tc.stream, "torch", "numpy", "python", "pandas", "sklearn"), tc.want)
		})
	}
}
