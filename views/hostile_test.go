package views

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"maps"
	"strings"
	"testing"
)

type hostileSource = struct {
	source []byte
	reason string
}

// everyHostile are the sources of every kind that must give no view, with a word of the reason.
func everyHostile(t testing.TB) map[string]hostileSource {
	all := hostile(t)
	for _, more := range []map[string]hostileSource{hostileTars(t), hostileLegacies(), hostileArrays(t), hostileFlax(), hostileZips(t)} {
		for name := range more {
			if _, again := all[name]; again {
				t.Fatalf("two cases are called %q", name)
			}
		}
		maps.Copy(all, more)
	}
	return all
}

// legacyMagic begins the old torch format: the pickle of the number 0x1950a86a20f9469cfc6c, by protocol 2.
const legacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// legacyOf is an old torch file: its object, its storage keys and what follows them.
func legacyOf(object *pickler, keys []string, data ...[]byte) []byte {
	list := pickle().op("](")
	for _, k := range keys {
		list.text(k)
	}
	out := append([]byte(legacyMagic), pickle().int(1001).stop()...)
	out = append(out, pickle().op("}").text("little_endian").op("\x88s").stop()...)
	out = append(append(out, object.stop()...), list.op("e").stop()...)
	return append(out, bytes.Join(data, nil)...)
}

// old pushes a tensor of the old format; view pushes the sixth item of its persistent id.
func (p *pickler) old(key string, n int64, view func(p *pickler), offset int64, shape, strides []int64) *pickler {
	p.name("torch._utils", "_rebuild_tensor_v2").op("((").text("storage").name("torch", "FloatStorage").text(key).text("cpu").int(n)
	if view == nil {
		p.op("N")
	} else {
		view(p)
	}
	return p.op("tQ").int(offset).ints("(", "t", shape...).ints("(", "t", strides...).op("\x89}tR")
}

func hostileLegacies() map[string]hostileSource {
	floats := func(n int64) []byte { return make([]byte, 4*n) }
	state := func(n int64, view func(p *pickler), offset int64, shape, strides []int64) *pickler {
		return pickle().op("}").text("w").old("0", n, view, offset, shape, strides).op("s")
	}
	four := func() *pickler { return state(4, nil, 0, []int64{4}, []int64{1}) }
	part := func(offset, n int64) *pickler {
		return state(4, func(p *pickler) { p.op("(").text("v").int(offset).int(n).op("t") }, 0, []int64{n}, []int64{1})
	}
	both := pickle().op("}").text("a").old("0", 4, nil, 0, []int64{4}, []int64{1}).op("s").
		text("b").old("0", 5, nil, 0, []int64{5}, []int64{1}).op("s")
	return map[string]hostileSource{
		"legacy: storage beyond the file":   {legacyOf(four(), []string{"0"}, little(4), floats(3)), "beyond the end of the file"},
		"legacy: no storage at all":         {legacyOf(four(), []string{"0"}), "beyond the end of the file"},
		"legacy: another number stated":     {legacyOf(four(), []string{"0"}, little(5), floats(5)), "5 stated"},
		"legacy: a negative number stated":  {legacyOf(four(), []string{"0"}, little(-4), floats(4)), "-4 stated"},
		"legacy: storage that overflows":    {legacyOf(state(1<<62, nil, 0, []int64{4}, []int64{1}), []string{"0"}, little(1<<62), floats(4)), "not as stated"},
		"legacy: negative storage":          {legacyOf(state(-4, nil, 0, []int64{4}, []int64{1}), []string{"0"}, little(-4), floats(4)), "without key or size"},
		"legacy: tensor beyond its storage": {legacyOf(state(4, nil, 1, []int64{4}, []int64{1}), []string{"0"}, little(4), floats(4)), "of a storage that has 4"},
		"legacy: negative size":             {legacyOf(state(4, nil, 0, []int64{-4}, []int64{1}), []string{"0"}, little(4), floats(4)), "negative size"},
		"legacy: shape that overflows":      {legacyOf(state(4, nil, 0, []int64{1 << 40, 1 << 40}, []int64{1 << 40, 1}), []string{"0"}, little(4), floats(4)), "overflow"},
		"legacy: part beyond its storage":   {legacyOf(part(2, 3), []string{"0"}, little(4), floats(4)), "view beyond its storage"},
		"legacy: part of negative size":     {legacyOf(part(2, -1), []string{"0"}, little(4), floats(4)), "view beyond its storage"},
		"legacy: part before its storage":   {legacyOf(part(-1, 1), []string{"0"}, little(4), floats(4)), "view beyond its storage"},
		"legacy: storage twice":             {legacyOf(four(), []string{"0", "0"}, little(4), floats(4), little(4), floats(4)), "or twice"},
		"legacy: storage nobody uses":       {legacyOf(four(), []string{"1"}, little(4), floats(4)), "listed and not used"},
		"legacy: storage not listed":        {legacyOf(four(), nil), `lacks the storage "0"`},
		"legacy: one storage, two sizes":    {legacyOf(both, []string{"0"}, little(4), floats(4)), "two sizes or types"},
		"legacy: name with NUL":             {legacyOf(pickle().op("}").text("a\x00").old("0", 4, nil, 0, []int64{4}, []int64{1}).op("s"), []string{"0"}, little(4), floats(4)), "NUL"},
		"legacy: reserved name":             {legacyOf(pickle().op("}").text("__metadata__").old("0", 4, nil, 0, []int64{4}, []int64{1}).op("s"), []string{"0"}, little(4), floats(4)), "keeps this name"},
	}
}

// npyOf is a .npy file of version 1.
func npyOf(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

// array pushes a numpy array of the type with a state, by protocol 4.
func (p *pickler) array(kind string, shape []int64, data string) *pickler {
	p.name("numpy.core.multiarray", "_reconstruct").name("numpy", "ndarray").op("K\x00\x85C\x01b\x87R(K\x01").ints("(", "t", shape...)
	p.name("numpy", "dtype").text(kind).op("\x89\x88\x87R\x89")
	return p.op("C" + string([]byte{byte(len(data))}) + data).op("tb")
}

func hostileArrays(t testing.TB) map[string]hostileSource {
	array := func(kind string, shape []int64, data string) []byte {
		return pickle().op("}").text("w").array(kind, shape, data).op("s").stop()
	}
	wrapper := func(shape ...int64) []byte {
		p := pickle().op("}").text("w").name("joblib.numpy_pickle", "NumpyArrayWrapper").op(")\x81}(")
		p.text("shape").ints("(", "t", shape...).text("order").text("C").text("dtype").name("numpy", "dtype").text("f4").op("\x89\x88\x87R")
		return p.op("ub").op("01234567").op("s").stop()
	}
	npz := func(names ...string) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, name := range names {
			m, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			if err == nil {
				_, err = m.Write(npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n", 8))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	return map[string]hostileSource{
		"npy: beyond the file":         {npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}\n", 8), "in 8 bytes"},
		"npy: negative size":           {npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}\n", 8), "shape"},
		"npy: shape that overflows":    {npyOf("{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 4294967296, 4)}\n", 8), "more than 2^62"},
		"npy: many dimensions":         {npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': ("+strings.Repeat("1, ", 65)+")}\n", 8), "dimensions"},
		"npy: objects":                 {npyOf("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n", 8), "no safetensors type"},
		"npz: name with NUL":           {npz("a\x00.npy"), "not plain"},
		"npz: reserved name":           {npz("__metadata__.npy"), "keeps this name"},
		"npz: two of a name":           {npz("a.npy", "a.npy"), "not plain"},
		"pickle: fewer bytes":          {array("f4", []int64{3}, "01234567"), "with 8 bytes of data"},
		"pickle: more bytes":           {array("f4", []int64{1}, "01234567"), "with 8 bytes of data"},
		"pickle: negative size":        {array("f4", []int64{-2}, "01234567"), "overflows"},
		"pickle: overflow":             {array("f4", []int64{1 << 40, 1 << 40}, "01234567"), "overflows"},
		"pickle: unknown type":         {array("V8", []int64{1}, "01234567"), "no safetensors type"},
		"joblib: beyond the file":      {wrapper(1 << 20), "beyond the end of the file"},
		"joblib: negative size":        {wrapper(-2), "not joblib's"},
		"joblib: shape that overflows": {wrapper(1<<40, 1<<40), "not joblib's"},
	}
}

// flaxOf is one array of flax under a name.
func flaxOf(name string, array string) []byte {
	out := append([]byte{0x81, 0xd9, byte(len(name))}, name...)
	return append(append(out, 0xc7, byte(len(array)), extArray), array...)
}

func hostileFlax() map[string]hostileSource {
	const whole = "\x93\x91\x02\xa7float32\xc4\x0801234567"
	far := flaxOf("w", whole)
	far[5] += 100 // the extension's length
	return map[string]hostileSource{
		"flax: beyond the file":      {far, "beyond the end of the file"},
		"flax: more than there is":   {flaxOf("w", "\x93\x91\x03\xa7float32\xc4\x0801234567"), "in 8 bytes"},
		"flax: negative size":        {flaxOf("w", "\x93\x91\xff\xa7float32\xc4\x0801234567"), "not of sizes"},
		"flax: shape that overflows": {flaxOf("w", "\x93\x92\xcf\x40\x00\x00\x00\x00\x00\x00\x00\xcf\x40\x00\x00\x00\x00\x00\x00\x00\xa7float32\xc4\x0801234567"), "in 8 bytes"},
		"flax: name with NUL":        {flaxOf("a\x00", whole), "NUL"},
		"flax: reserved name":        {flaxOf("__metadata__", whole), "keeps this name"},
		"flax: a name twice":         {append([]byte{0x82}, append(flaxOf("w", whole)[1:], flaxOf("w", whole)[1:]...)...), "two tensors have this name"},
		"flax: bytes behind":         {append(flaxOf("w", whole), 0xc0), "behind the MessagePack value"},
		"flax: maps in maps":         {[]byte(strings.Repeat("\x81\xa1a", 300) + "\xc0"), "too deep"},
	}
}

// hostileZips are archives that two readers could see differently, and containers that hold themselves.
func hostileZips(t testing.TB) map[string]hostileSource {
	good := torchOf(t, dict("w", func(p *pickler) { p.tensor("0", 4, 0, []int64{4}, []int64{1}) }))
	if _, err := build(good); err != nil {
		t.Fatal(err)
	}
	central := func(name string, change func(record []byte)) []byte {
		out := bytes.Clone(good)
		at := bytes.LastIndex(out, []byte(name)) - 46
		if string(out[at:at+4]) != "PK\x01\x02" {
			t.Fatalf("%s has no central record", name)
		}
		change(out[at:])
		return out
	}
	offsetOf := func(name string) uint32 { return uint32(bytes.Index(good, []byte(name)) - 30) }
	inItself := func(head string) []byte {
		return torchOf(t, pickle().op(head).op("q\x00").text("k").op("h\x00s").stop())
	}
	return map[string]hostileSource{
		"zip: two storages in one place": {central("archive/data/1", func(r []byte) { binary.LittleEndian.PutUint32(r[42:], offsetOf("archive/data/0")) }), "not plain"},
		"zip: storage beyond the file": {central("archive/data/1", func(r []byte) {
			binary.LittleEndian.PutUint32(r[20:], 1<<20)
			binary.LittleEndian.PutUint32(r[24:], 1<<20)
		}), "not plain"},
		"zip: storages that overlap": {central("archive/data/0", func(r []byte) {
			binary.LittleEndian.PutUint32(r[20:], 40)
			binary.LittleEndian.PutUint32(r[24:], 40)
		}), "not plain"},
		"zip: record beyond the file":   {central("archive/data/1", func(r []byte) { binary.LittleEndian.PutUint32(r[42:], 1<<30) }), "not plain"},
		"zip: dict in itself":           {inItself("}"), "holds itself"},
		"zip: OrderedDict in itself":    {inItself("ccollections\nOrderedDict\n)R"), "holds itself"},
		"zip: object's state in itself": {torchOf(t, pickle().name("my.net", "Net").op(")\x81q\x00}").text("k").op("h\x00sb").stop()), "holds itself"},
	}
}
