package pickle

import (
	"math"
	"strconv"
	"strings"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// maxDtypes bounds the dtypes of one stream that are remembered.
const maxDtypes = 100_000

// A dtype is what is known of a NumPy dtype that the stream made.
type dtype struct {
	item   int64 // bytes of one element; -1 when unknown
	object bool  // elements hold Python objects: pointers
	record bool  // its state says how large an element is; other types say so by their names
	at     int64 // where it was made
	set    bool  // it has its state, or is a part of another that has
}

// ruleDtype: numpy.dtype(type string or scalar class, align, copy).
func ruleDtype(j *judge, k *call) string {
	args, ok := k.positional()
	if !ok || len(args) == 0 || len(args) > 3 {
		return unseen
	}
	if _, ok := j.dtypeOf(k.m, args[0]); !ok {
		return "of " + describe(k.m, args[0]) + ", which is no type's name"
	}
	return ""
}

// remember keeps what later events ask about the result of a call.
func (j *judge) remember(k *call, result opcodes.Value) {
	if len(j.stored) > 0 {
		delete(j.stored, result) // the place of an object that is gone
	}
	if k.name.isWrapper() {
		j.fresh = result
	}
	if k.name.rule() != globals.RuleDtype {
		return
	}
	args, ok := k.positional()
	if !ok || len(args) == 0 {
		return
	}
	if len(j.dtypes) >= maxDtypes {
		j.c.Exceeded(j.s.At(k.offset), "more than %d dtypes in one pickle", maxDtypes)
		return
	}
	if d, ok := j.dtypeOf(k.m, args[0]); ok {
		k.m.Pin(result) // so that its Value names nothing else later
		d.at = k.offset
		j.dtypes[result] = d
	}
}

// dtypeOf reads the argument of numpy.dtype: "f8", "<U5", "O8", "V16", "float32", or a scalar class.
func (j *judge) dtypeOf(m *opcodes.Machine, v opcodes.Value) (dtype, bool) {
	if n := j.nameOf(m, v); n != nil {
		if !n.allowed() || n.module != "numpy" && !strings.HasPrefix(n.module, "numpy.") {
			return dtype{}, false
		}
		d := namedDtype(strings.TrimPrefix(n.text, n.module+"."))
		d.record = strings.HasSuffix(n.text, ".record")
		return d, true
	}
	s, ok := text(m, v, 64)
	if !ok || s == "" {
		return dtype{}, false
	}
	s = strings.TrimLeft(s, "<>=|")
	digits := strings.TrimLeft(s, "?bBhHiIlLqQefdgFDGcmMOSaUVnpPut")
	if len(s)-len(digits) != 1 {
		return namedDtype(s), true
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		n = -1
	}
	switch s[0] {
	case 'O':
		return dtype{item: n, object: true}, true
	case 'U':
		n *= 4
	case 'M', 'm':
		n = 8
	}
	return dtype{item: max(n, -1)}, true
}

// namedDtype knows the fixed sizes of names; whatever it does not know may hold objects.
func namedDtype(name string) dtype {
	name = strings.TrimSuffix(name, "_")
	if name == "bool" {
		return dtype{item: 1}
	}
	if bits := strings.TrimLeft(name, "uintflocmpex"); bits != name {
		if n, err := strconv.ParseInt(bits, 10, 16); err == nil && n%8 == 0 && n > 0 {
			return dtype{item: n / 8}
		}
	}
	return dtype{item: -1, object: name == "object" || strings.Contains(name, "O")}
}

// flagHasObject is NPY_ITEM_HASOBJECT of NumPy's dtype flags: the elements are pointers that NumPy owns.
const flagHasObject = 1

// dtypeState judges dtype.__setstate__((version, order, subarray, names, fields, size, alignment, flags, ...)). NumPy
// believes the flags: a type with objects inside whose flags deny them turns raw bytes of the file into pointers.
func (j *judge) dtypeState(m *opcodes.Machine, e *opcodes.Event) string {
	d, known := j.dtypes[e.Object]
	items := m.Items(e.Args)
	if e.Args.Kind() != opcodes.KindTuple || len(items) < 8 || len(items) > 9 || !known {
		return "a state of no known form"
	}
	if d.set || j.other > d.at {
		return "a second state, or one that comes when arrays may have the type already"
	}
	if names := items[3]; names.Kind() == opcodes.KindTuple && !m.Whole(names) {
		j.truncated = true
	} else if names.Kind() != opcodes.KindNone && (names.Kind() != opcodes.KindTuple || !plain(m, names, 1)) {
		return "names of fields of no known form"
	}
	size, ok1 := m.Int(items[5])
	flags, ok2 := m.Int(items[7])
	if !ok1 || !ok2 {
		return "a state whose size or flags are no numbers"
	}
	if size >= 0 && size != d.item && !d.record { // NumPy keeps the size of a number's type, whatever its state says
		return "a state of a size that its type does not have"
	}
	if size >= 0 {
		d.item = size
	}
	inner, why := j.dtypeParts(m, items[2], items[4], d.item)
	if why != "" {
		return why
	}
	if (d.object || inner) && flags&flagHasObject == 0 {
		return "a state that claims raw bytes where objects are"
	}
	if !d.object && !inner && flags&flagHasObject != 0 {
		return "a state that claims objects where raw bytes are"
	}
	d.object, d.set = d.object || inner || flags&flagHasObject != 0, true
	j.dtypes[e.Object] = d
	return ""
}

// dtypeParts looks at the subarray and the fields of a structured dtype of size bytes.
func (j *judge) dtypeParts(m *opcodes.Machine, sub, fields opcodes.Value, size int64) (object bool, why string) {
	if sub.Kind() == opcodes.KindTuple {
		items := m.Items(sub)
		if len(items) != 2 {
			return false, "a subarray of no known form"
		}
		d, known := j.part(items[0])
		n, ok := product(m, items[1])
		if !known || items[1].Kind() == opcodes.KindList || !ok || d.item >= 0 && (n > math.MaxInt64/max(d.item, 1) || n*d.item > size) {
			return false, "a subarray that its type does not hold"
		}
		object = d.object
	} else if sub.Kind() != opcodes.KindNone {
		return false, "a subarray of no known form"
	}
	switch fields.Kind() {
	case opcodes.KindNone:
		return object, ""
	case opcodes.KindDict:
	default:
		return false, "fields of no known form"
	}
	if !m.Whole(fields) {
		j.truncated = true
	}
	m.Freeze(fields) // the type keeps this dict
	items := m.Items(fields)
	j.spend(0, len(items))
	for i := 0; i+1 < len(items); i += 2 {
		parts := m.Items(items[i+1])
		if items[i+1].Kind() != opcodes.KindTuple || len(parts) < 2 {
			return false, "a field of no known form"
		}
		d, known := j.part(parts[0])
		off, ok := m.Int(parts[1])
		if !known || !ok || off < 0 || off > size || d.item >= 0 && d.item > size-off {
			return false, "a field that lies outside its type"
		}
		object = object || d.object
	}
	return object, ""
}

// part gives a type of which another one is made: from then on it must stay as it is.
func (j *judge) part(v opcodes.Value) (dtype, bool) {
	d, known := j.dtypes[v]
	if known && !d.set {
		d.set = true
		j.dtypes[v] = d
	}
	return d, known
}

// product multiplies a shape: a number, or a tuple of numbers. False for what is negative, unknown or too large.
func product(m *opcodes.Machine, v opcodes.Value) (int64, bool) {
	if n, ok := m.Int(v); ok {
		return n, n >= 0
	}
	if v.Kind() != opcodes.KindTuple && v.Kind() != opcodes.KindList || !m.Whole(v) {
		return 0, false
	}
	total := int64(1)
	for _, item := range m.Items(v) {
		n, ok := m.Int(item)
		if !ok || n < 0 || n > 0 && total > math.MaxInt64/n {
			return 0, false
		}
		total *= n
	}
	return total, true
}
