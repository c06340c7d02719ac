package views

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// A pickler writes opcodes of protocol 2. See Lib/pickletools.py in CPython.
type pickler struct{ b []byte }

func pickle() *pickler { return &pickler{b: []byte{0x80, 2}} }

func (p *pickler) op(ops string) *pickler { p.b = append(p.b, ops...); return p }

func (p *pickler) name(module, name string) *pickler { return p.op("c" + module + "\n" + name + "\n") }

func (p *pickler) text(s string) *pickler {
	p.b = binary.LittleEndian.AppendUint32(append(p.b, 'X'), uint32(len(s)))
	return p.op(s)
}

func (p *pickler) ints(open, end string, ns ...int64) *pickler { // LONG1 of 8 bytes each
	p.op(open)
	for _, n := range ns {
		p.b = binary.LittleEndian.AppendUint64(append(p.b, 0x8a, 8), uint64(n))
	}
	return p.op(end)
}

func (p *pickler) int(n int64) *pickler { return p.ints("", "", n) }

// storage pushes a persistent storage of n elements under key.
func (p *pickler) storage(kind, key string, n int64) *pickler {
	return p.op("(").text("storage").name("torch", kind).text(key).text("cpu").int(n).op("tQ")
}

// tensor calls _rebuild_tensor_v2 on a storage of n floats.
func (p *pickler) tensor(key string, n, offset int64, shape, strides []int64) *pickler {
	return p.name("torch._utils", "_rebuild_tensor_v2").op("(").storage("FloatStorage", key, n).int(offset).
		ints("(", "t", shape...).ints("(", "t", strides...).op("\x89}tR")
}

func (p *pickler) stop() []byte { return p.op(".").b }

// dict is a state dict of one entry; value pushes it.
func dict(key string, value func(p *pickler)) []byte {
	p := pickle().op("}").text(key)
	value(p)
	return p.op("s").stop()
}

// torchOf is a torch zip whose storages "0" and "1" hold 16 bytes each.
func torchOf(t testing.TB, pkl []byte, more ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	add := func(name string, method uint16, data []byte) {
		m, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = m.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("archive/data.pkl", zip.Store, pkl)
	for _, key := range []string{"0", "1"} {
		add("archive/data/"+key, zip.Store, []byte(strings.Repeat(key, 16)))
	}
	for _, name := range more {
		add(name, zip.Store, []byte("x"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func build(source []byte) (*Plan, error) { return Build(bytes.NewReader(source), int64(len(source))) }

// hostile are sources that must give no view, with a word of the reason.
func hostile(t testing.TB) map[string]struct {
	source []byte
	reason string
} {
	one := func(value func(p *pickler)) []byte { return torchOf(t, dict("w", value)) }
	tensor := func(n, offset int64, shape, strides []int64) []byte {
		return one(func(p *pickler) { p.tensor("0", n, offset, shape, strides) })
	}
	loop := pickle().op("]q\x00h\x00a.").b
	deep := pickle().op(strings.Repeat("]", 300)).op(strings.Repeat("a", 299)).stop()
	twice := pickle().op("}").text("a").op("}").text("b.c").tensor("0", 4, 0, []int64{1}, []int64{1}).op("ss").
		text("a.b").op("}").text("c").tensor("1", 4, 0, []int64{1}, []int64{1}).op("ss").stop()
	return map[string]struct {
		source []byte
		reason string
	}{
		"storage longer than its member": {tensor(5, 0, []int64{5}, []int64{1}), "5 elements in a member of 16 bytes"},
		"tensor beyond its storage":      {tensor(4, 0, []int64{5}, []int64{1}), "elements 0 to 4 of a storage that has 4"},
		"offset beyond the storage":      {tensor(4, 4, []int64{1}, []int64{1}), "of a storage that has 4"},
		"negative offset":                {tensor(4, -1, []int64{1}, []int64{1}), "of a storage that has 4"},
		"stride beyond the storage":      {tensor(4, 0, []int64{2}, []int64{4}), "of a storage that has 4"},
		"negative size":                  {tensor(4, 0, []int64{-1}, []int64{1}), "negative size"},
		"negative stride":                {tensor(4, 3, []int64{4}, []int64{-1}), "negative stride"},
		"shape that overflows":           {tensor(4, 0, []int64{1 << 40, 1 << 40}, []int64{0, 0}), "overflow"},
		"strides that overflow":          {tensor(4, 0, []int64{1 << 40, 2}, []int64{1 << 40, 1}), "overflow"},
		"negative storage":               {tensor(-1, 0, []int64{0}, []int64{1}), "without key or size"},
		"more dimensions than fit":       {tensor(4, 0, make([]int64, 65), make([]int64, 65)), "not what torch writes"},
		"shape and strides that differ":  {tensor(4, 0, []int64{1, 1}, []int64{1}), "not what torch writes"},
		"storage that is not there":      {one(func(p *pickler) { p.tensor("../0", 4, 0, []int64{4}, []int64{1}) }), `lacks the storage "../0"`},
		"name with NUL":                  {torchOf(t, dict("a\x00b", func(p *pickler) { p.tensor("0", 4, 0, []int64{4}, []int64{1}) })), "NUL"},
		"reserved name":                  {torchOf(t, dict("__metadata__", func(p *pickler) { p.tensor("0", 4, 0, []int64{4}, []int64{1}) })), "keeps this name"},
		"one name for two tensors":       {torchOf(t, twice), "two tensors have this name"},
		"list in itself":                 {torchOf(t, loop), "holds itself"},
		"lists in lists":                 {torchOf(t, deep), "nested deeper"},
		"quantised":                      {one(func(p *pickler) { p.name("torch._utils", "_rebuild_qtensor").op(")R") }), "quantised"},
		"sparse":                         {one(func(p *pickler) { p.name("torch._utils", "_rebuild_sparse_tensor").op(")R") }), "sparse"},
		"quantised storage": {one(func(p *pickler) {
			p.name("torch._utils", "_rebuild_tensor_v2").op("(").storage("QInt8Storage", "0", 4).int(0).ints("(", "t", 4).ints("(", "t", 1).op("\x89}tR")
		}), "QInt8Storage has no safetensors type"},
		"tensor without a storage": {one(func(p *pickler) {
			p.name("torch._utils", "_rebuild_tensor_v2").op("(N").int(0).ints("(", "t", 4).ints("(", "t", 1).op("\x89}tR")
		}), "does not hold by itself"},
		"parameter of no tensor": {one(func(p *pickler) { p.name("torch._utils", "_rebuild_parameter").op("(N\x89}tR") }), "no tensor"},
		"no tensor at all":       {torchOf(t, pickle().text("words").stop()), "holds no tensor"},
		"pickle that breaks":     {torchOf(t, pickle().op("}(").b), "does not load"},
		"TorchScript":            {torchOf(t, pickle().op("}").stop(), "archive/constants.pkl"), "TorchScript"},
		"two pickles":            {torchOf(t, pickle().op("}").stop(), "other/data.pkl"), "2 members are called data.pkl"},
		"a member twice":         {torchOf(t, pickle().op("}").stop(), "archive/data/0"), "archive"},
		"case":                   {torchOf(t, pickle().op("}").stop(), "archive/BYTEORDER"), "another case"},
		"case twice":             {torchOf(t, pickle().op("}").stop(), "ARCHIVE/data/0"), "differ in case only"},
		"plain text":             {[]byte("no model at all"), "no pickle, no torch file"},
		"nothing":                {nil, "no pickle, no torch file"},
	}
}

func TestHostileSourcesAreNamed(t *testing.T) {
	for name, h := range everyHostile(t) {
		p, err := build(h.source)
		if _, named := errors.AsType[*LimitError](err); !named || p != nil || !strings.Contains(err.Error(), h.reason) {
			t.Errorf("%s: got %v, want a limit with %q", name, err, h.reason)
		}
	}
}

// A million tensors end in a named limit, and quickly.
func TestTooManyTensors(t *testing.T) {
	p := pickle().op("](").tensor("0", 4, 0, []int64{1}, []int64{1}).op("q\x00")
	for range 1_000_000 {
		p.op("h\x00")
	}
	_, err := build(torchOf(t, p.op("e").stop()))
	if _, named := errors.AsType[*LimitError](err); !named || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

// Tensors that share a storage are shown twice, each whole: safetensors has no shared ones.
func TestSharedStorage(t *testing.T) {
	source := torchOf(t, pickle().op("}").text("all").tensor("0", 4, 0, []int64{4}, []int64{1}).op("s").
		text("tail").tensor("0", 4, 2, []int64{2}, []int64{1}).op("s").stop())
	p, err := build(source)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tensors) != 2 || p.Tensors[0].Source+8 != p.Tensors[1].Source || p.Size != int64(len(p.Header))+24 {
		t.Errorf("%+v", p.Tensors)
	}
}

// sparse is a file in memory of which the zeros are not kept.
type sparse struct {
	parts map[int64][]byte
	size  int64
}

var zeros = make([]byte, 1<<20)

func (s *sparse) Write(b []byte) (int, error) {
	if len(b) != len(zeros) || !bytes.Equal(b, zeros) {
		s.parts[s.size] = bytes.Clone(b)
	}
	s.size += int64(len(b))
	return len(b), nil
}

func (s *sparse) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	for at, part := range s.parts {
		if at < off+int64(len(b)) && off < at+int64(len(part)) {
			copy(b[max(0, at-off):], part[max(0, off-at):])
		}
	}
	if off+int64(len(b)) > s.size {
		return int(max(0, s.size-off)), io.EOF
	}
	return len(b), nil
}

// In a checkpoint of more than 4 GiB, a zip64, offsets are right beyond what 32 bits hold.
func TestMoreThanFourGiB(t *testing.T) {
	const large = 5 << 30
	file := &sparse{parts: map[int64][]byte{}}
	w := zip.NewWriter(file)
	raw := func(name string, size uint64, crc uint32, write func(io.Writer) error) {
		m, err := w.CreateRaw(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store, Flags: 8, CRC32: crc, CompressedSize64: size, UncompressedSize64: size})
		if err == nil {
			err = write(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pkl := pickle().op("}").text("large").tensor("0", large/4, 0, []int64{large / 4}, []int64{1}).op("s").
		text("after").tensor("1", 4, 1, []int64{3}, []int64{1}).op("s").stop()
	plain := func(b []byte) (uint64, uint32, func(io.Writer) error) {
		return uint64(len(b)), crc32.ChecksumIEEE(b), func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	size, crc, write := plain(pkl)
	raw("data.pkl", size, crc, write)
	raw("data/0", large, 0, func(w io.Writer) error { // the sum is not looked at: torch does not either
		for range large / len(zeros) {
			if _, err := w.Write(zeros); err != nil {
				return err
			}
		}
		return nil
	})
	size, crc, write = plain([]byte("0123abcdefghijkl"))
	raw("data/1", size, crc, write)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Build(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(file.size); err != nil || p.Size != int64(len(p.Header))+large+12 {
		t.Fatalf("%v, %d bytes", err, p.Size)
	}
	r, err := NewReader(p, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 12)
	if _, err := r.ReadAt(got, int64(len(p.Header))); err != nil || string(got) != "abcdefghijkl" { // "after" comes first by name
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.ReadAt(got, p.Size-12); err != nil || string(got) != string(make([]byte, 12)) {
		t.Errorf("%q, %v", got, err)
	}
	if want := fmt.Sprintf(`"large":{"data_offsets":[12,%d],"dtype":"F32","shape":[%d]}`, large+12, large/4); !strings.Contains(string(p.Header), want) {
		t.Errorf("the header is %s", p.Header)
	}
}

// Whatever the bytes are: no panic, and either a named limit or a plan that reads nothing outside of them, twice the same.
func FuzzBuild(f *testing.F) {
	seeds := 0
	for _, h := range everyHostile(f) {
		f.Add(h.source)
		seeds++
	}
	f.Add(torchOf(f, dict("w", func(p *pickler) { p.tensor("0", 4, 0, []int64{2, 2}, []int64{1, 2}) })))
	f.Add([]byte("\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }" + strings.Repeat(" ", 58) + "\n12345678"))
	f.Add([]byte("\x81\xa1w\xc7\x0f\x01\x93\x91\x02\xa5uint8\xc4\x02ab"))
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		p, err := build(source)
		if err != nil {
			return
		}
		if err := p.Validate(int64(len(source))); err != nil {
			t.Fatalf("a plan that is not valid: %v", err)
		}
		again, err := build(source)
		if err != nil || (&Answer{Plan: p}).Fingerprint() != (&Answer{Plan: again}).Fingerprint() {
			t.Fatalf("the same bytes, two plans: %v", err)
		}
	})
}
