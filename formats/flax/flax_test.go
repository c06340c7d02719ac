package flax

import (
	"bytes"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func str(s string) []byte { return append([]byte{0xd9, byte(len(s))}, s...) }
func bin(n int) []byte    { return append([]byte{0xc5, byte(n >> 8), byte(n)}, make([]byte, n)...) }

func list(items ...[]byte) []byte {
	return append([]byte{0x90 | byte(len(items))}, bytes.Join(items, nil)...)
}

func object(items ...[]byte) []byte {
	return append([]byte{0x80 | byte(len(items)/2)}, bytes.Join(items, nil)...)
}

func ext(code byte, content []byte) []byte {
	return append([]byte{0xc8, byte(len(content) >> 8), byte(len(content)), code}, content...)
}

func array(dtype string, n int, dims ...byte) []byte {
	var shape [][]byte
	for _, d := range dims {
		shape = append(shape, []byte{d})
	}
	return ext(extArray, list(list(shape...), str(dtype), bin(n)))
}

func TestInspect(t *testing.T) {
	const bad = formats.RuleFormatMalformed
	file := func(value []byte) []byte { return object(str("params"), object(str("kernel"), value)) }
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"array":       {file(array("float32", 24, 2, 3)), ""},
		"scalar":      {file(ext(extScalar, list(list(), str("float32"), bin(4)))), ""},
		"complex":     {file(ext(extComplex, list([]byte{1}, []byte{2}))), ""},
		"other kinds": {file(list([]byte{0xc0}, []byte{0xca, 0, 0, 0, 0}, []byte{0xcb, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{0xd1, 0, 0}, []byte{0xff}, str("x"), bin(3))), ""},
		"big map":     {append([]byte{0xde, 0, 1}, append(str("params"), object()...)...), ""},
		"extension":   {file(ext(42, []byte("x"))), bad},
		"fixed":       {file([]byte{0xd4, 42, 0}), bad},
		"too few":     {file(array("float32", 23, 2, 3)), bad},
		"more bytes":  {file(ext(extArray, append(list(list([]byte{1}), str("int8"), bin(1)), 0))), bad},
		"no type":     {file(array("object", 8, 1)), formats.RuleDtypeUnsafe},
		"no list":     {file(ext(extArray, []byte{1})), bad},
		"no bytes":    {file(ext(extArray, list(list(), str("int8"), str("x")))), bad},
		"overflow":    {file(ext(extArray, list(list([]byte{0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}, []byte{2}), str("int8"), bin(0)))), bad},
		"after":       {append(file(array("int8", 1, 1)), 0), bad},
		"cut":         {file(array("int8", 9, 9))[:20], bad},
		"huge map":    {append(object(str("params"), []byte{0xdf, 0xff, 0xff, 0xff, 0xff}), 0x80), bad},
		"byte c1":     {file([]byte{0xc1}), bad},
		"deep":        {append(object(str("params"), nil), bytes.Repeat([]byte{0x91}, 1000)...), formats.RuleLimitExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { inspecttest.Expect(t, Inspector{}, tt.b, tt.want, "flax_model.msgpack") })
	}
	if f := inspecttest.Expect(t, Inspector{}, file(array("float32", 24, 2, 3)), "", "blob").Facts; f.Tensors != 1 || f.Parameters != 6 {
		t.Errorf("facts %+v", f)
	}
	for _, b := range []string{"", "\x80", "\x80\x04\x95", "text", "\x81\xa1\x01\x80", "\x81\x01\x80", "\x81\xa1x\x01"} {
		if _, ok := inspecttest.Run(Inspector{}, []byte(b), "blob"); ok {
			t.Errorf("%q is detected", b)
		}
	}
	inspecttest.Mutations(t, Inspector{}, file(array("float32", 24, 2, 3)), "x.msgpack")
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "x.msgpack", object(str("params"), array("int8", 4, 4)), object(str("a"), list(bin(3), []byte{0xc0})))
}
