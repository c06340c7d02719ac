package pickle

import (
	"math"
	"strings"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// joblibWrappers are the classes at whose BUILD joblib reads an array from the file itself.
var joblibWrappers = []string{"joblib.numpy_pickle:NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle:NumpyArrayWrapper"}

// joblibArray tells a Joblib reading how many bytes the array behind a NumpyArrayWrapper takes. A wrapper whose array
// cannot be measured ends that reading: what follows is then unknown, and the stream malformed.
func (j *judge) joblibArray(m *opcodes.Machine, e *opcodes.Event) {
	if e.Readings&opcodes.Joblib == 0 {
		return
	}
	j.out.Joblib = true
	e.Skip = -1
	v, _ := m.Get(e.Args, "dtype")
	d, known := j.dtypes[v]
	shape, _ := m.Get(e.Args, "shape")
	count, ok := product(m, shape)
	if !known || !ok {
		return
	}
	if d.object {
		e.Skip = j.objectArray(e.Data)
		return
	}
	if d.item < 0 || d.item > 0 && count > math.MaxInt64/d.item {
		return
	}
	skip := count * d.item
	if align, ok := m.Get(e.Args, "numpy_array_alignment_bytes"); ok && align.Kind() != opcodes.KindNone {
		var pad [1]byte // its length, and as many bytes behind it
		if n, _ := j.s.R.ReadAt(pad[:], e.Data); n != 1 || skip > math.MaxInt64-256 {
			return
		}
		skip += 1 + int64(pad[0])
	}
	e.Skip = skip
}

// objectArray inspects the pickle that stands for an array of objects and gives its length, or -1.
func (j *judge) objectArray(start int64) int64 {
	if n, seen := j.arrays[start]; seen {
		return n
	}
	if j.depth >= j.c.Budget.Depth {
		j.c.Exceeded(j.s.At(start), "object arrays nested deeper than %d", j.c.Budget.Depth)
		return -1
	}
	inner := &work{c: j.c, s: j.s, opt: j.opt, depth: j.depth + 1, known: j.known}
	inner.opt.Start, inner.opt.Streams, inner.opt.LeaveRest = start, 1, true
	out := inner.inspect()
	if j.arrays[start] = out.End - start; out.Streams != 1 {
		j.arrays[start] = -1
	}
	return j.arrays[start]
}

// raises says that a reading certainly ends here with an exception, by the types of objects that only the lists know.
// A reader who does not know joblib takes an array's bytes for opcodes, and its memo no longer fits: it would otherwise
// be said to resolve names and call objects which in truth are arrays.
func (j *judge) raises(m *opcodes.Machine, e *opcodes.Event) bool {
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
