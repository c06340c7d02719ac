package views

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/archive/archivetest"
)

// npy is a .npy file of n float32 numbers that count up from start.
func npy(start float32, n int) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }", n)
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	return append(append(b, head...), ramp(start, n)...)
}

func ramp(start float32, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		_ = binary.Write(&b, binary.LittleEndian, start+float32(i))
	}
	return b.Bytes()
}

// packings of zip members, by their numbers in APPNOTE.TXT 4.4.5.
var packings = map[string]struct {
	method uint16
	flags  uint16
	pack   func(t testing.TB, b []byte) []byte
}{
	"stored":  {0, 0, func(_ testing.TB, b []byte) []byte { return b }},
	"deflate": {8, 0, func(_ testing.TB, b []byte) []byte { return archivetest.Deflate(b) }},
	"zstd": {93, 0, func(t testing.TB, b []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(b, nil)
	}},
	"lzma": {14, 2, func(t testing.TB, b []byte) []byte {
		var out bytes.Buffer
		w, err := lzma.WriterConfig{EOSMarker: true}.NewWriter(&out)
		if err == nil {
			_, err = w.Write(b)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		head := out.Bytes()[:13]
		return slices.Concat([]byte{9, 20, 5, 0}, head[:5], out.Bytes()[13:])
	}},
}

func member(t testing.TB, name, method string, data []byte) archivetest.File {
	p := packings[method]
	set := func(f *archivetest.Fields) { f.Flags = p.flags }
	return archivetest.File{Name: name, Data: data, Method: p.method, Packed: p.pack(t, data), Local: set, Central: set}
}

func npzOf(files ...archivetest.File) []byte { return archivetest.Zip{Files: files}.Bytes() }

// view builds the view of a source and inflates what it needs, as the daemon does by way of a worker.
func view(source []byte) (*Plan, []byte, error) {
	p, err := build(source)
	if err != nil {
		return nil, nil, err
	}
	if err := p.Validate(int64(len(source))); err != nil {
		return nil, nil, fmt.Errorf("not valid: %w", err)
	}
	var inflated bytes.Buffer
	if err := Inflate(&inflated, bytes.NewReader(source), p.Members, formats.Budget{}); err != nil {
		return p, nil, err
	}
	if int64(inflated.Len()) != p.Inflated() {
		return p, nil, fmt.Errorf("%d bytes inflated, %d planned", inflated.Len(), p.Inflated())
	}
	r, err := NewReader(p, bytes.NewReader(source), p.Sections(bytes.NewReader(inflated.Bytes())))
	if err != nil {
		return p, nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	return p, b, err
}

// However an archive of arrays is compressed, its view is the same, byte for byte.
func TestCompressedArraysAreThoseOfPlainOnes(t *testing.T) {
	arrays := map[string][]byte{"a.npy": npy(1, 5000), "b.npy": npy(-3, 77), "empty.npy": npy(0, 0)}
	var want []byte
	for _, method := range []string{"stored", "deflate", "lzma", "zstd"} {
		var files []archivetest.File
		for _, name := range []string{"b.npy", "a.npy", "empty.npy"} {
			files = append(files, member(t, name, method, arrays[name]))
		}
		p, got, err := view(npzOf(files...))
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		if method == "stored" {
			want = got
		}
		if !bytes.Equal(got, want) || !bytes.Contains(got, ramp(1, 5000)) {
			t.Errorf("%s: another view", method)
		}
		if n := map[bool]int{true: 0, false: 2}[method == "stored"]; len(p.Members) != n {
			t.Errorf("%s: %d members to inflate, expected %d: the empty one needs nothing", method, len(p.Members), n)
		}
	}
}

// bzip2Of is what Python's bz2 makes of npy(2, 4): Go has no compressor.
func bzip2Of(t testing.TB) []byte {
	b, err := hex.DecodeString("425a68393141592653592cbf5b5400002bdff0601040e4045441034220af45dd0a40000800400020005444691a000d01ea01e936844ca3" +
		"d4d069ea3401a680d1a10b1421276417b2138256024249d384e02a3b0dab7dcb98011be944dd1d4b83e72fa037418f0f646181e82f2440" +
		"14a2cd835592e22ee48a70a120597eb6a8")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBzip2(t *testing.T) {
	data := npy(2, 4)
	f := archivetest.File{Name: "a.npy", Data: data, Method: 12, Packed: bzip2Of(t)}
	_, got, err := view(npzOf(f))
	if err != nil || !bytes.HasSuffix(got, ramp(2, 4)) {
		t.Errorf("%v", err)
	}
}

// A torch file that was packed again: storages deflated, gathered ones too; a pickle that is deflated needs no spool.
func TestDeflatedTorch(t *testing.T) {
	pkl := pickle().op("}").text("plain").tensor("0", 4, 0, []int64{4}, []int64{1}).op("s").
		text("turned").tensor("0", 4, 0, []int64{2, 2}, []int64{1, 2}).op("s").text("other").tensor("1", 4, 1, []int64{3}, []int64{1}).op("s").stop()
	torch := func(pickleBy, zero, one string) []byte {
		return npzOf(member(t, "archive/data.pkl", pickleBy, pkl), member(t, "archive/data/1", one, []byte("ABCDEFGHIJKLMNOP")),
			member(t, "archive/data/0", zero, []byte("abcdefghijklmnop")))
	}
	_, want, err := view(torch("stored", "stored", "stored"))
	if err != nil || !bytes.HasSuffix(want, []byte("EFGHIJKLMNOPabcdefghijklmnopabcdijklefghmnop")) {
		t.Fatalf("%q, %v", want, err)
	}
	for _, c := range []struct {
		pickle, zero, one string
		members           int
	}{
		{"deflate", "stored", "stored", 0}, {"stored", "deflate", "stored", 1}, {"deflate", "stored", "deflate", 1}, {"deflate", "deflate", "deflate", 2},
	} {
		p, got, err := view(torch(c.pickle, c.zero, c.one))
		if err != nil || !bytes.Equal(got, want) || len(p.Members) != c.members {
			t.Errorf("%+v: %+v, %v", c, p, err)
		}
	}
	for name, source := range map[string][]byte{
		"a storage": torch("stored", "zstd", "stored"), "the pickle": torch("lzma", "stored", "stored"),
	} {
		if _, _, err := view(source); err == nil || !strings.Contains(err.Error(), "torch reads stored and deflated members only") {
			t.Errorf("%s in what torch does not read: %v", name, err)
		}
	}
}

// counting counts what is read of it.
type counting struct {
	io.ReaderAt
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// The plan of compressed arrays needs their headers alone.
func TestPlanningInflatesNoArray(t *testing.T) {
	noise := append(npy(0, 0)[:0:0], bytesNpy(numbers(8<<20))...)
	source := npzOf(member(t, "noise.npy", "deflate", noise))
	r := &counting{ReaderAt: bytes.NewReader(source)}
	p, err := Build(r, int64(len(source)))
	if err != nil || len(p.Members) != 1 || p.Size != int64(len(p.Header))+8<<20 {
		t.Fatalf("%+v, %v", p, err)
	}
	if r.n > 1<<20 {
		t.Errorf("%d bytes of %d were read", r.n, len(source))
	}
}

// npyOf is a .npy file of bytes.
func bytesNpy(b []byte) []byte {
	return append(bytes.Replace(npy(0, 0), []byte("'<f4', 'fortran_order': False, 'shape': (0,), }"+strings.Repeat(" ", 10)),
		fmt.Appendf(nil, "'|u1', 'fortran_order': False, 'shape': (%8d,), }   ", len(b)), 1), b...)
}

// What the archive says of a member is not what it holds: a named limit, when it is planned or when it is inflated.
func TestCompressedMembersThatLie(t *testing.T) {
	data := npy(1, 5000)
	with := func(change func(f *archivetest.Fields)) []byte {
		f := member(t, "a.npy", "deflate", data)
		f.Local, f.Central = change, change
		return npzOf(f)
	}
	honest := bytesNpy(make([]byte, 100))
	small := member(t, "a.npy", "deflate", append(honest, make([]byte, 4<<20)...)) // 4 MiB that pretend to be 100 bytes
	small.Local = func(f *archivetest.Fields) { f.Size = uint32(len(honest)) }
	small.Central = small.Local
	cut := member(t, "a.npy", "deflate", data)
	cut.Packed = cut.Packed[:len(cut.Packed)-5]
	longer := member(t, "a.npy", "deflate", data)
	longer.Packed = append(longer.Packed, "more"...)
	noise := member(t, "a.npy", "deflate", data)
	noise.Packed = append(bytes.Clone(noise.Packed[:200]), numbers(500)...)
	for name, c := range map[string]struct {
		source []byte
		reason string
	}{
		"another CRC":          {with(func(f *archivetest.Fields) { f.CRC ^= 1 }), "was said"},
		"a size too small":     {with(func(f *archivetest.Fields) { f.Size -= 4 }), "an array of shape [5000] in 19996 bytes"},
		"a size too large":     {with(func(f *archivetest.Fields) { f.Size += 4 }), "inflates to 20128 bytes, 20132 were said"},
		"encrypted":            {with(func(f *archivetest.Fields) { f.Flags = 1 }), "encrypted"},
		"an unknown method":    {with(func(f *archivetest.Fields) { f.Method = 97 }), "compression method 97"},
		"a bomb, declared":     {with(func(f *archivetest.Fields) { f.Size = 3 << 30 }), "ratio"},
		"a bomb, undeclared":   {npzOf(small), "inflates to more than the 228 bytes"},
		"a stream that ends":   {npzOf(cut), "offset"},
		"more than a stream":   {npzOf(longer), "ends after"},
		"a stream that breaks": {npzOf(noise), "offset"},
		"a member in another":  {overlapping(t), "not plain"},
	} {
		_, got, err := view(c.source)
		if _, named := errors.AsType[*LimitError](err); !named || got != nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want a limit with %q", name, err, c.reason)
		}
	}
}

// overlapping is an archive whose second member lies in the first one's data.
func overlapping(t testing.TB) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	inner := npzOf(member(t, "b.npy", "deflate", npy(1, 50)))
	for _, m := range []struct {
		name string
		data []byte
	}{{"a.npy", inner}} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	at := bytes.Index(b[4:], []byte("PK\x03\x04")) + 4
	end := bytes.Index(b[at+4:], []byte("PK\x01\x02")) + at + 4 // the inner directory's record of b.npy
	record := bytes.Clone(b[end : end+46+len("b.npy")])
	binary.LittleEndian.PutUint32(record[42:], uint32(at))
	eocd := bytes.LastIndex(b, []byte("PK\x05\x06"))
	out2 := slices.Concat(b[:eocd], record, b[eocd:])
	eocd += len(record)
	le := binary.LittleEndian
	le.PutUint16(out2[eocd+8:], 2)
	le.PutUint16(out2[eocd+10:], 2)
	le.PutUint32(out2[eocd+12:], le.Uint32(out2[eocd+12:])+uint32(len(record)))
	return out2
}

// What a plan may say of compressed members: nothing that takes more than the source warrants.
func TestHostileMembers(t *testing.T) {
	good := func() *Plan {
		return &Plan{Members: []Member{{Offset: 10, Packed: 10, Size: 100, Method: "deflate"}, {Offset: 20, Packed: 10, Size: 100, Method: "bzip2"}}}
	}
	if err := validateMembers(good().Members, 30); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m []Member){
		"beyond the source":   func(m []Member) { m[1].Offset++ },
		"before it":           func(m []Member) { m[0].Offset = -1 },
		"one in another":      func(m []Member) { m[1].Offset = 19 },
		"one behind the next": func(m []Member) { m[0], m[1] = m[1], m[0] },
		"nothing packed":      func(m []Member) { m[0].Packed = 0 },
		"less than nothing":   func(m []Member) { m[0].Packed = -1 },
		"nothing in it":       func(m []Member) { m[0].Size = 0 },
		"no size":             func(m []Member) { m[0].Size = -1 },
		"a ratio":             func(m []Member) { m[0].Size = MaxSlack + MaxRatio*11 },
		"more than all":       func(m []Member) { m[0].Packed, m[0].Size = 1<<60, 1<<60; m[1].Offset = 1<<60 + 10 },
		"no method":           func(m []Member) { m[0].Method = "" },
		"a method of no one":  func(m []Member) { m[0].Method = "rar" },
	} {
		p := good()
		change(p.Members)
		size := int64(30)
		if name == "more than all" {
			size = 1 << 61
		}
		if err := validateMembers(p.Members, size); err == nil {
			t.Errorf("members with %s are inflated", name)
		}
	}
	p, _, err := view(npzOf(member(t, "a.npy", "deflate", npy(1, 50)), member(t, "b.npy", "deflate", npy(1, 50))))
	if err != nil {
		t.Fatal(err)
	}
	p.Tensors[0].Member = 2
	if err := p.Validate(1 << 20); err == nil {
		t.Error("a member that no tensor lies in is inflated")
	}
}

// The budget is one for all members.
func TestInflatingHasABudget(t *testing.T) {
	source := npzOf(member(t, "a.npy", "deflate", npy(1, 500)), member(t, "b.npy", "deflate", npy(2, 500)))
	p, err := build(source)
	if err != nil {
		t.Fatal(err)
	}
	b := formats.DefaultBudget()
	b.Inflated = p.Inflated()
	if err := Inflate(io.Discard, bytes.NewReader(source), p.Members, b); err != nil {
		t.Error(err)
	}
	b.Inflated--
	if err := Inflate(io.Discard, bytes.NewReader(source), p.Members, b); err == nil || !strings.Contains(err.Error(), "budget") {
		t.Errorf("one byte more: %v", err)
	}
}

// The view's own inspection sees its real bytes, and finds what is wrong with them.
func TestAnsweringOfCompressedSources(t *testing.T) {
	data := npy(1, 100_000)
	good := npzOf(member(t, "a.npy", "deflate", data), member(t, "b.npy", "deflate", npy(9, 30)))
	bad := bytes.Clone(good)
	bad[200] ^= 0xff // in the compressed data of a.npy
	var seen []byte
	inspect := func(r io.ReaderAt, size int64) formats.Result {
		seen, _ = io.ReadAll(io.NewSectionReader(r, 0, size))
		return formats.Result{}
	}
	a, err := Answering(bytes.NewReader(good), int64(len(good)), KindTensors, inspect)
	_, want, _ := view(good)
	if err != nil || a.Plan == nil || !bytes.Equal(seen, want) {
		t.Errorf("%+v, %v, %d bytes inspected", a, err, len(seen))
	}
	if a, err = Answering(bytes.NewReader(bad), int64(len(bad)), KindTensors, inspect); err != nil || a.Plan != nil || a.Limit == "" {
		t.Errorf("a broken member: %+v, %v", a, err)
	}
}

// FuzzInflate: a member's bytes and what is said of them, in any combination: what comes out without an error is exactly what
// was said.
func FuzzInflate(f *testing.F) {
	seeds := 0
	for name := range packings {
		if name != "stored" {
			f.Add(packings[name].pack(f, npy(1, 100)), name, int64(len(npy(1, 100))), crc32.ChecksumIEEE(npy(1, 100)))
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, b []byte, method string, size int64, crc uint32) {
		if method == "lzma" {
			method = "lzma-end"
		}
		m := Member{Packed: int64(len(b)), Size: size, CRC: crc, Method: archive.Packing(method)}
		if size > 1<<22 || validateMembers([]Member{m}, int64(len(b))) != nil {
			return
		}
		var out bytes.Buffer
		err := Inflate(&out, bytes.NewReader(b), []Member{m}, formats.Budget{})
		if int64(out.Len()) > size {
			t.Fatalf("%d bytes of %d came out", out.Len(), size)
		}
		if err == nil && (int64(out.Len()) != size || crc32.ChecksumIEEE(out.Bytes()) != crc) {
			t.Fatal("other bytes than were said")
		}
	})
}
