package numpy

import (
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
	"sync"
)

// A dtype is what matters of a numpy data type.
type dtype struct {
	name   string // for Facts.Dtypes: "<f4", "struct"
	size   uint64 // bytes of one element
	object bool   // it holds Python objects somewhere, so the array is a pickle
}

// simple matches the type strings that numpy writes (numpy/lib/_format_impl.py, dtype_to_descr). Others, such as
// "i4,O", numpy's parser takes too: they are not for dtype to read but to refuse.
var simple = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([<>|=]?)([?biufcSUVaOmM])([0-9]{0,10})(\[[0-9]{0,6}[a-zA-Z]{1,7}(/[0-9]{1,6})?\])?$`)
})

// parseDescr reads the descr of a header: a type string, a (type, shape) pair, or the fields of a struct.
func parseDescr(v any, depth int) (dtype, error) {
	if depth > maxNesting {
		return dtype{}, fmt.Errorf("descr nested deeper than %d", maxNesting)
	}
	switch v := v.(type) {
	case string:
		return parseType(v)
	case tuple:
		if len(v) != 2 {
			return dtype{}, fmt.Errorf("descr with a tuple of %d items, (type, shape) expected", len(v))
		}
		return sub(v[0], v[1], depth)
	case list:
		out := dtype{name: "struct"}
		for _, f := range v {
			t, err := parseField(f, depth)
			out.object = out.object || t.object
			if err != nil {
				return out, err
			}
			var carry uint64
			if out.size, carry = bits.Add64(out.size, t.size, 0); carry != 0 {
				return out, fmt.Errorf("descr of more than 2^64 bytes")
			}
		}
		return out, nil
	}
	return dtype{}, fmt.Errorf("descr is neither a string nor a list of fields")
}

// parseField reads one field: (name, type) or (name, type, shape), the name perhaps a (title, name) pair.
func parseField(v any, depth int) (dtype, error) {
	f, ok := v.(tuple)
	if !ok || len(f) != 2 && len(f) != 3 {
		return dtype{}, fmt.Errorf("a field of descr is not (name, type) or (name, type, shape)")
	}
	if pair, ok := f[0].(tuple); ok && len(pair) == 2 {
		f[0] = pair[1]
	}
	if _, ok := f[0].(string); !ok {
		return dtype{}, fmt.Errorf("a field of descr has no name")
	}
	if len(f) == 2 {
		return parseDescr(f[1], depth+1)
	}
	return sub(f[1], f[2], depth)
}

// sub reads a type with a shape of its own.
func sub(descr, shape any, depth int) (dtype, error) {
	t, err := parseDescr(descr, depth+1)
	if err != nil {
		return t, err
	}
	n, err := product(shape)
	if err != nil {
		return t, err
	}
	hi, lo := bits.Mul64(t.size, n)
	if hi != 0 {
		return t, fmt.Errorf("descr of more than 2^64 bytes")
	}
	return dtype{name: t.name, size: lo, object: t.object}, nil
}

func parseType(s string) (dtype, error) {
	m := simple().FindStringSubmatch(s)
	if m == nil {
		return dtype{}, fmt.Errorf("descr %q is not a type string that numpy writes", s)
	}
	n := uint64(0)
	if m[3] != "" {
		n, _ = strconv.ParseUint(m[3], 10, 64) // ten digits fit
	}
	switch kind := m[2]; {
	case kind == "O":
		return dtype{name: "object", object: true}, nil
	case kind == "U":
		n *= 4
	case (kind == "m" || kind == "M") && m[3] == "":
		n = 8
	case kind == "?":
		n = 1
	}
	return dtype{name: s, size: n}, nil
}

// product multiplies the dimensions of a shape; a bare integer is a shape of one.
func product(v any) (uint64, error) {
	dims, ok := v.(tuple)
	if n, one := v.(int64); one {
		dims, ok = tuple{n}, true
	}
	if !ok {
		return 0, fmt.Errorf("shape is not a tuple of integers")
	}
	out := uint64(1)
	zero := false
	for _, d := range dims {
		n, ok := d.(int64)
		if !ok || n < 0 {
			return 0, fmt.Errorf("shape is not a tuple of integers from zero on")
		}
		if n == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(out, uint64(n))
		if hi != 0 || lo > 1<<62 {
			return 0, fmt.Errorf("shape of more than 2^62 elements")
		}
		out = lo
	}
	if zero {
		return 0, nil
	}
	return out, nil
}
