package pickle

import (
	"slices"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// ufuncModules are where NumPy's functions live; _ufunc_reconstruct imports the module that it is told.
var ufuncModules = []string{"numpy", "numpy.core", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath",
	"numpy.core.umath", "numpy._core.umath"}

// ruleUfunc: numpy.core._ufunc_reconstruct(module, name), which imports and looks up: a listed function of NumPy only.
func ruleUfunc(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) != 2 {
		return unseen
	}
	module, ok1 := text(k.m, args[0], 64)
	fn, ok2 := text(k.m, args[1], 64)
	if ok1 && ok2 && slices.Contains(ufuncModules, module) &&
		globals.Lookup("numpy", fn, j.c.Presets).Status == globals.Allowed {
		return ""
	}
	return "of " + render(k.m, args[0], 60) + " " + render(k.m, args[1], 60) + ", which is no listed function of NumPy"
}

// ruleScalar: numpy's scalar(dtype, bytes). Of the dtype object it is its second argument, whatever that is, and of a
// structure with objects an array's item.
func ruleScalar(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 || len(args) > 2 {
		return unseen
	}
	d, known := j.dtypes[args[0]]
	switch {
	case !known:
		return "of " + describe(k.m, args[0]) + ", which is no type that this stream made"
	case !d.object || len(args) == 1 || plain(k.m, args[1], 2) || j.made(k.m, args[1]).rule() == globals.RuleClass:
		return ""
	}
	return "of " + describe(k.m, args[1]) + ", which it would return"
}

// ruleBitgen: the constructors of NumPy's generators call classes and constructors among their arguments. These must be
// names of bit generators, or what those made.
func ruleBitgen(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) > 2 {
		return unseen
	}
	for _, a := range args {
		if _, ok := text(k.m, a, 64); ok {
			continue
		}
		n := j.nameOf(k.m, a)
		if a.Kind() == opcodes.KindCall {
			n = j.made(k.m, a)
		}
		if !n.allowed() || n.module != "numpy.random._pickle" && !bitGenerator(n) {
			return "with " + describe(k.m, a) + ", which is no bit generator"
		}
	}
	return ""
}

func bitGenerator(n *name) bool {
	return n.is("numpy.random._mt19937:MT19937", "numpy.random._pcg64:PCG64", "numpy.random._pcg64:PCG64DXSM",
		"numpy.random._philox:Philox", "numpy.random._sfc64:SFC64")
}
