package pickle

import (
	"math"
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// joblibWrappers are the classes at whose BUILD joblib reads an array from the file itself.
var joblibWrappers = []string{"joblib.numpy_pickle:NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle:NumpyArrayWrapper"}

// joblibArray tells a Joblib reading how many bytes the array behind a NumpyArrayWrapper takes. What cannot be measured
// for certain is a finding and ends that reading: another reader may take what follows for something harmless.
func (j *judge) joblibArray(m *opcodes.Machine, e *opcodes.Event) {
	if e.Readings&opcodes.Joblib == 0 {
		return
	}
	j.out.Joblib = true
	e.Skip = -1
	made := j.made(m, e.Object).key
	if e.Object != j.fresh || j.wrapper != "" && j.wrapper != made {
		// What joblib put there is no wrapper any more, and one from the memo still has the attributes of its first state.
		j.find(formats.RuleReduce, e.Offset, "BUILD of an array that joblib has read, or by two copies of joblib", "")
		return
	}
	j.fresh, j.wrapper = 0, made
	n, why := j.arrayBytes(m, e)
	switch {
	case why != "":
	case e.Data != e.End:
		why = "inside a frame"
	case n > j.s.Size-e.Data:
		why = "cut off"
	}
	if why != "" {
		j.find(formats.RulePickleMalformed, e.Offset, "an array of joblib: "+why, "")
		return
	}
	e.Skip = n
}

// arrayBytes gives the bytes between the opcodes that joblib reads for the wrapper with the state e.Args, or why nobody
// can tell.
func (j *judge) arrayBytes(m *opcodes.Machine, e *opcodes.Event) (n int64, why string) {
	v, _ := m.Get(e.Args, "dtype")
	d, known := j.dtypes[v]
	shape, _ := m.Get(e.Args, "shape")
	count, ok := product(m, shape)
	if !known || !ok {
		return 0, "of a type or shape that cannot be told"
	}
	if d.object {
		return j.objectArray(e.Data)
	}
	if d.item < 0 || d.item > 0 && count > math.MaxInt64/d.item {
		return 0, "of a size that cannot be told"
	}
	n = count * d.item
	if align, ok := m.Get(e.Args, "numpy_array_alignment_bytes"); ok && align.Kind() != opcodes.KindNone {
		var pad [1]byte // its length, and as many bytes behind it
		if read, _ := j.s.R.ReadAt(pad[:], e.Data); read != 1 || align.Kind() != opcodes.KindInt || n > math.MaxInt64-256 {
			return 0, "of a padding that cannot be told"
		}
		n += 1 + int64(pad[0])
	}
	return n, ""
}

// objectArray inspects the pickle that stands for an array of objects and gives its length. joblib takes whatever that
// pickle gives for the array, so that it must be an array to all readers.
func (j *judge) objectArray(start int64) (n int64, why string) {
	n, seen := j.arrays[start]
	if !seen {
		if j.depth >= j.c.Budget.Depth {
			j.c.Exceeded(j.s.At(start), "object arrays nested deeper than %d", j.c.Budget.Depth)
			return 0, "too deep"
		}
		inner := &work{c: j.c, s: j.s, opt: j.opt, depth: j.depth + 1, known: j.known}
		inner.opt.Start, inner.opt.Streams, inner.opt.LeaveRest, inner.opt.array = start, 1, true, true
		out := inner.inspect()
		if n = out.End - start; out.Streams != 1 || !inner.isOneArray(out.End) {
			n = -1
		}
		j.arrays[start] = n
	}
	if n < 0 {
		return 0, "its objects come from a pickle that gives something else than an array"
	}
	return n, ""
}

// A stop is where some readers of an array's pickle stop, and whether they have an array then.
type stop struct {
	end   int64
	array bool
}

// stopped notes what the readers of an array's pickle give. joblib leaves it to pickle.load, which knows no wrappers.
func (j *judge) stopped(m *opcodes.Machine, e *opcodes.Event) {
	if e.Readings&^opcodes.Joblib != 0 {
		j.stops = append(j.stops, stop{e.End, e.Data == e.End && j.isArray(m, e.Object)})
	}
}

// isArray says that v is what NumPy makes when an array, or the matrix that joblib wraps as well, is unpickled.
func (j *judge) isArray(m *opcodes.Machine, v opcodes.Value) bool {
	callee, args, _ := m.Call(v)
	items := m.Items(args)
	if callee.Kind() != opcodes.KindGlobal || args.Kind() != opcodes.KindTuple || len(items) != 3 || items[0].Kind() != opcodes.KindGlobal {
		return false
	}
	return j.nameOf(m, callee).is("numpy.core.multiarray:_reconstruct", "numpy._core.multiarray:_reconstruct") &&
		j.nameOf(m, items[0]).is("numpy:ndarray", "numpy:matrix", "numpy.matrixlib.defmatrix:matrix")
}

// isOneArray says that every reader of the stream has an array at end.
func (w *work) isOneArray(end int64) bool {
	for _, s := range w.stops {
		if !s.array || s.end != end {
			return false
		}
	}
	return len(w.stops) > 0
}

// raises says that a reading certainly ends here with an exception, by the types of objects that only the lists know.
// A reader who does not know joblib takes an array's bytes for opcodes, and its memo no longer fits: it would otherwise
// be said to resolve names and call objects which in truth are arrays. A reading that follows joblib is never silenced.
func (j *judge) raises(m *opcodes.Machine, e *opcodes.Event) bool {
	if e.Readings&opcodes.Joblib != 0 || j.opt.array {
		return false
	}
	switch e.Kind {
	case opcodes.EvDynamic:
		return j.noText(m, e.Object) || j.noText(m, e.Args)
	case opcodes.EvCall:
		return j.made(m, e.Object).isWrapper()
	}
	return false
}

// noText says that a value is an object of an allowed class other than str, which no name can be.
func (j *judge) noText(m *opcodes.Machine, v opcodes.Value) bool {
	n := j.made(m, v)
	return n.rule() == globals.RuleNew || n.rule() == globals.RuleDtype || n.rule() == globals.RuleClass
}

// sideFileState: joblib before 0.10 reads an array from the file that the state names, beside the pickle. That file is
// judged when it is opened; a path that leaves the folder may lie outside what is judged.
func (j *judge) sideFileState(m *opcodes.Machine, state opcodes.Value) string {
	v, ok := m.Get(state, "filename")
	name, isText := "", false
	if ok {
		name, isText = text(m, v, 512)
	}
	if !isText || name == "" || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return "reads a file that is not simply beside it: " + render(m, v, 120)
	}
	if why := j.attributes(m, state); why != "" {
		return why
	}
	return j.wrapperKeys(m, state, fileKeys)
}
