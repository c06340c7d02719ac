package views

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"trustfs/opcodes"
)

// A stream is one pickle with what its loader knows beside it.
type stream struct {
	r        io.ReaderAt // offsets in it are the pickle's own
	size     int64
	start    int64
	base     int64 // offset of r's first byte in the source, for bytes objects that are shown in place; -1: not in place
	member   int   // that r lies in; 0 for the source
	readings opcodes.Readings
	// members collects texts that stand for bytes, which tensors lie in; nil where there can be none.
	members *[]Member
	// storage finds the bytes of a torch storage by its persistent id; nil where the loader has none.
	storage func(in *interpreter, id opcodes.Value) (storage, error)
	// tensor finds the tensor that a persistent id is, in files that keep tensors apart from the object; nil elsewhere.
	tensor func(in *interpreter, id opcodes.Value) (Tensor, bool, error)
	// joblib says that raw array bytes follow the state of a NumpyArrayWrapper.
	joblib bool
}

// A storage is the run of bytes that torch tensors are views of.
type storage struct {
	dtype  Dtype
	typed  bool  // false for an UntypedStorage: the tensor brings its own type
	at     int64 // byte offset in the source or the member
	bytes  int64
	member int
	swap   bool // in the other byte order
}

// Bounds of interpretation. The machine's own budgets hold beside them.
const (
	maxNesting = 200
	maxVisits  = 5_000_000 // values walked
)

// An interpreter turns the symbols of one pickle into tensors. Nothing is called: a call of a constructor that is known
// has a known meaning, everything else is an opaque stub whose state is walked for tensors.
type interpreter struct {
	m       *opcodes.Machine
	in      stream
	tensors []Tensor
	path    map[opcodes.Value]bool // containers around the value at hand: a recursive one has no names
	visits  int
	arrays  map[opcodes.Value]rawArray // joblib: wrapper to where its bytes lie
	taken   map[opcodes.Value]bool     // arrays that a tensor was made of
	failed  error                      // first failure inside a handler
}

// interpret runs one pickle and collects its tensors under the names that a state_dict would give them. end is the offset
// after STOP.
func interpret(in stream, prefix string) (tensors []Tensor, end int64, err error) {
	w := &interpreter{in: in, path: map[opcodes.Value]bool{}, arrays: map[opcodes.Value]rawArray{}}
	value, end, err := w.run()
	if err != nil {
		return nil, 0, err
	}
	if err := w.walk(value, prefix); err != nil {
		return nil, 0, err
	}
	return w.tensors, end, nil
}

// run simulates the machine, and gives the value at STOP.
func (w *interpreter) run() (opcodes.Value, int64, error) {
	b := opcodes.DefaultBudget()
	b.Opcodes, b.Words, b.Entries = 100_000_000, 6<<20, 4<<20 // the worker lives in about 100 MiB
	report := opcodes.Run(w.in.r, w.in.size, opcodes.Options{
		Start: w.in.start, Readings: w.in.readings, Budget: b, Contents: true, Handler: w.event,
	})
	if w.failed != nil {
		return 0, 0, w.failed
	}
	w.m = report.Machine
	if err := report.Err(w.in.readings); err != nil {
		return 0, 0, limit("", "the pickle does not load: %v", err)
	}
	for _, o := range report.Outcomes {
		if o.Err == nil {
			return o.Value, o.End, nil
		}
	}
	return 0, 0, limit("", "the pickle does not load")
}

// event keeps the machine at hand, and finds the arrays that joblib writes between opcodes.
func (w *interpreter) event(m *opcodes.Machine, e *opcodes.Event) {
	w.m = m
	if w.failed == nil {
		w.failed = w.steady(e)
	}
	if !w.in.joblib || e.Kind != opcodes.EvBuild || w.failed != nil {
		return
	}
	skip, err := w.rawArrayAt(e)
	if err != nil {
		w.failed = err
		return
	}
	e.Skip = skip
}

// callee is the name that a call result was made by, as Python 3 spells it.
func (w *interpreter) callee(v opcodes.Value) (name string, args []opcodes.Value, ok bool) {
	f, a, _ := w.m.Call(v)
	g := w.m.Global(f)
	if g == nil {
		return "", nil, false
	}
	n := opcodes.Python3Name(g.Module, g.Name)
	return n.String(), w.m.Items(a), true
}

// walk finds the tensors in a value.
func (w *interpreter) walk(v opcodes.Value, name string) error {
	if w.visits++; w.visits > maxVisits {
		return limit(name, "more than %d values", maxVisits)
	}
	switch v.Kind() {
	case opcodes.KindTuple, opcodes.KindList:
		return w.nested(v, name, func() error { return w.items(w.m.Items(v), name) })
	case opcodes.KindDict:
		return w.nested(v, name, func() error { return w.pairs(w.m.Items(v), name) })
	case opcodes.KindCall:
		return w.nested(v, name, func() error { return w.object(v, name) })
	case opcodes.KindPersistent:
		_, err := w.shown(v, name)
		return err
	}
	return nil // numbers, strings, names, sets: no tensor has a name in them
}

// nested guards the recursion: its depth, and containers that hold themselves.
func (w *interpreter) nested(v opcodes.Value, name string, step func() error) error {
	if len(w.path) >= maxNesting {
		return limit(name, "nested deeper than %d", maxNesting)
	}
	if w.path[v] {
		return limit(name, "a container that holds itself")
	}
	if !w.m.Whole(v) && v.Kind() != opcodes.KindCall {
		return limit(name, "a container whose content is not known")
	}
	w.path[v] = true
	defer delete(w.path, v)
	return step()
}

func (w *interpreter) items(items []opcodes.Value, name string) error {
	for i, v := range items {
		if err := w.walk(v, join(name, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

// pairs walks keys and values in turn. Of a key that comes twice the last value counts; two keys that give one name give
// two tensors of this name, if they are tensors, which is refused in the end.
func (w *interpreter) pairs(items []opcodes.Value, name string) error {
	type pair struct{ key, value opcodes.Value }
	at := make(map[string]int, len(items)/2)
	order := make([]pair, 0, len(items)/2)
	for i := 0; i+1 < len(items); i += 2 {
		id, known := w.same(items[i], 0)
		if n, again := at[id]; known && again {
			order[n].value = items[i+1]
			continue
		}
		if known {
			at[id] = len(order)
		}
		order = append(order, pair{items[i], items[i+1]})
	}
	for _, p := range order {
		if err := w.walk(p.value, join(name, w.key(p.key))); err != nil {
			return err
		}
	}
	return nil
}

func join(name, part string) string {
	if name == "" {
		return part
	}
	return name + "." + part
}

// shown collects what is a tensor, by a constructor's call or by its persistent id.
func (w *interpreter) shown(v opcodes.Value, name string) (ok bool, err error) {
	t, ok, err := w.tensor(v, 0)
	if err != nil {
		return false, named(name, err)
	}
	if !ok {
		return false, nil
	}
	if name == "" {
		name = "tensor"
	}
	t.Name = name
	if w.tensors = append(w.tensors, t); len(w.tensors) > MaxTensors {
		return false, limit("", "more than %d tensors", MaxTensors)
	}
	return true, nil
}

// object walks what a call made: a tensor, a mapping, a module, or an opaque stub.
func (w *interpreter) object(v opcodes.Value, name string) error {
	if ok, err := w.shown(v, name); ok || err != nil {
		return err
	}
	callee, args, _ := w.callee(v)
	var pairs []opcodes.Value
	if mappings[callee] {
		for i, a := range args {
			if a.Kind() == opcodes.KindCall && (i > 0 || callee != "collections:defaultdict") {
				return limit(name, "%s of an object, whose items it copies", callee)
			}
		}
		pairs = w.given(args)
	} else if err := w.items(args, name); err != nil { // what a stub was made of: the fields of a named tuple
		return err
	}
	return w.contents(v, name, pairs, callee == "collections:OrderedDict")
}

// given are the pairs that a mapping's constructor was called with: [[key, value], ...], as Python 2 wrote them, or a dict.
func (w *interpreter) given(args []opcodes.Value) (pairs []opcodes.Value) {
	for _, a := range args {
		if a.Kind() == opcodes.KindDict {
			pairs = append(pairs, w.m.Items(a)...)
			continue
		}
		for _, p := range w.m.Items(a) {
			if kv := w.m.Items(p); len(kv) == 2 {
				pairs = append(pairs, kv...)
			}
		}
	}
	return pairs
}

// contents walks what was given to an object after it was made: its items, and its state. A mapping's own state
// (torch keeps _metadata there) names nothing.
func (w *interpreter) contents(v opcodes.Value, name string, pairs []opcodes.Value, mapping bool) error {
	var state []opcodes.Value
	for _, a := range w.m.Attached(v) {
		switch a.Kind {
		case opcodes.EvSetItems:
			pairs = append(pairs, w.m.Items(a.Args)...)
		case opcodes.EvAppends:
			if err := w.items(w.m.Items(a.Args), name); err != nil {
				return err
			}
		case opcodes.EvBuild:
			state = append(state, a.Args)
		}
	}
	if err := w.pairs(pairs, name); err != nil || mapping {
		return err
	}
	for _, s := range state {
		if err := w.state(s, name); err != nil {
			return err
		}
	}
	return nil
}

// state walks an object's state: a module's parameters, buffers and modules under the names of its state_dict, or
// everything.
func (w *interpreter) state(s opcodes.Value, name string) error {
	if s.Kind() == opcodes.KindTuple { // (dict, slots)
		for _, part := range w.m.Items(s) {
			if part.Kind() == opcodes.KindDict {
				if err := w.state(part, name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if s.Kind() != opcodes.KindDict {
		return w.walk(s, name)
	}
	if _, ok := w.m.Get(s, "_parameters"); !ok {
		return w.walk(s, name)
	}
	transient := w.strings(s, "_non_persistent_buffers_set")
	for _, part := range []string{"_parameters", "_buffers", "_modules"} {
		v, ok := w.m.Get(s, part)
		if !ok {
			continue
		}
		before := len(w.tensors)
		if err := w.walk(v, name); err != nil {
			return err
		}
		if part == "_buffers" {
			w.tensors = append(w.tensors[:before], slices.DeleteFunc(w.tensors[before:], func(t Tensor) bool {
				return slices.ContainsFunc(transient, func(b string) bool { return t.Name == join(name, b) })
			})...)
		}
	}
	return nil
}

// strings are the strings of a set in a state.
func (w *interpreter) strings(state opcodes.Value, key string) (out []string) {
	v, ok := w.m.Get(state, key)
	if !ok {
		return nil
	}
	items := w.m.Items(v)
	if v.Kind() == opcodes.KindCall { // builtins.set([...]) of protocols below 4
		_, args, _ := w.callee(v)
		items = w.members(args)
	}
	for _, i := range items {
		if s, ok := w.m.Str(i); ok {
			out = append(out, s)
		}
	}
	return out
}

// members are the items of the one list that a set was made from.
func (w *interpreter) members(args []opcodes.Value) []opcodes.Value {
	if len(args) != 1 {
		return nil
	}
	return w.m.Items(args[0])
}

func named(name string, err error) error {
	if l, ok := err.(*LimitError); ok && l.Tensor == "" {
		return &LimitError{Tensor: name, Reason: l.Reason}
	}
	return fmt.Errorf("%s: %w", name, err)
}
