package archive

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

func pack(t testing.TB, data []byte, newWriter func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := newWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// helloBzip2 is "hello\n" as bzip2 -9 writes it: Go's library only reads the format.
const helloBzip2 = "BZh91AY&SY\xc1\xc0\x80\xe2\x00\x00\x01\x41\x00\x00\x10\x02\x44\xa0\x00\x30\xcd\x00\xc3\x46\x29\x97\x17\x72\x45\x38\x50\x90\xc1\xc0\x80\xe2"

func streamSamples(t testing.TB, data []byte) map[string][]byte {
	zl := pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil })
	return map[string][]byte{
		"gzip":                pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }),
		"xz":                  pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }),
		"lzma":                pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) }),
		"lz4":                 pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }),
		"zstd":                pack(t, data, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }),
		"zlib":                zl,
		"ZF":                  append(fmt.Appendf(nil, "ZF%-19s", fmt.Sprintf("0x%x", len(data))), zl...),
		"ZF, one blank wider": append(fmt.Appendf(nil, "ZF%-20s", fmt.Sprintf("0x%x", len(data))), zl...),
	}
}

// inspectStreams runs every stream inspector that detects b, and says which.
func inspectStreams(b []byte, names ...string) (*formats.Context, *archivetest.Recorder, []string) {
	r := &archivetest.Recorder{}
	c := r.Context()
	s := archivetest.Source(b, names...)
	var by []string
	for _, i := range Streams {
		if i.Detect(c, s) {
			by = append(by, i.Name())
			i.Inspect(c, s)
		}
	}
	return c, r, by
}

func TestStreamsAreLookedInto(t *testing.T) {
	var data []byte // compressible, but not to nothing: a cut stream must give something first
	for i := range 5000 {
		data = fmt.Appendf(data, "weight %d is %d, ", i, i*i*2654435761)
	}
	samples := streamSamples(t, data)
	for name, b := range samples {
		t.Run(name, func(t *testing.T) {
			c, r, by := inspectStreams(b)
			if len(by) != 1 || len(c.Result.Findings) > 0 {
				t.Fatalf("detected as %v, findings %v", by, c.Result.Findings)
			}
			if got := r.Members["("+by[0]+")"]; got != string(data) {
				t.Errorf("inspected %d bytes, want %d", len(got), len(data))
			}
		})
		t.Run(name+", cut", func(t *testing.T) {
			c, _, by := inspectStreams(b[:len(b)*2/3])
			if len(by) != 1 || !slices.Equal(archivetest.Rules(c), []string{formats.RuleArchiveMalformed}) {
				t.Errorf("detected as %v, findings %v, want %s", by, c.Result.Findings, formats.RuleArchiveMalformed)
			}
		})
	}
}

func TestBzip2(t *testing.T) {
	c, r, _ := inspectStreams([]byte(helloBzip2))
	if r.Members["(bzip2)"] != "hello\n" {
		t.Errorf("inspected %q, findings %v", r.Members, c.Result.Findings)
	}
	if _, _, by := inspectStreams([]byte("BZ\x03abcdefghij")); len(by) > 0 {
		t.Errorf("BZ alone is the beginning of a pickle, not %v", by)
	}
}

func TestPlainBytesAreNoStream(t *testing.T) {
	for _, b := range []string{"x^2 + y^2", "x\x9cxx", "]\x00\x00", "]\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff", "hello", ""} {
		if _, _, by := inspectStreams([]byte(b)); len(by) > 0 {
			t.Errorf("%q taken for %v", b, by)
		}
	}
}

func TestDictionariesAreBounded(t *testing.T) {
	big := pack(t, []byte("hello"), func(w io.Writer) (io.WriteCloser, error) { return xz.WriterConfig{DictCap: 64 << 20}.NewWriter(w) })
	old := append([]byte("]\x00\x00\x00\x10"), "\xff\xff\xff\xff\xff\xff\xff\xff\x00data"...)
	for name, b := range map[string][]byte{"xz": big, "lzma": old} {
		c, _, _ := inspectStreams(b)
		if !slices.Equal(archivetest.Rules(c), []string{formats.RuleLimitExceeded}) {
			t.Errorf("%s: findings %v, want %s", name, c.Result.Findings, formats.RuleLimitExceeded)
		}
	}
}

func TestNamesLoseTheCompressionsSuffix(t *testing.T) {
	b := streamSamples(t, []byte("x"))["gzip"]
	var got []string
	r := &archivetest.Recorder{}
	c := r.Context()
	c.Nested = func(_ *formats.Context, s *formats.Source) { got = s.Names }
	Streams[0].Inspect(c, archivetest.Source(b, "model.pkl.gz", "d/m.TGZ", "blob"))
	if want := []string{"model.pkl", "d/m.tar", "blob"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

// Whatever is asked in whatever order, an inflated member answers as the bytes themselves would.
func TestInflatedRandomAccess(t *testing.T) {
	data := make([]byte, 5<<20)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 29) // compresses a little
	}
	packed := archivetest.Deflate(data)
	r := &archivetest.Recorder{}
	c := r.Context()
	c.Budget.Inflated = 1 << 40
	s := archivetest.Source(packed)
	s.Depth = 30 // keep no more than the head whole
	d := newInflated(c, s, "m", int64(len(packed)), func() (io.Reader, func() int64, error) {
		return decompressor(methodDeflate, 0, 0, bytes.NewReader(packed))
	})
	if d.Size() != int64(len(data)) || d.Err() != nil || d.used != int64(len(packed)) {
		t.Fatalf("size %d, used %d, error %v", d.Size(), d.used, d.Err())
	}
	buf := make([]byte, 700<<10)
	for i, off := range []int{0, 1 << 20, 4<<20 - 5, 2 << 20, 2<<20 + 100, 2<<20 - 100, 1<<20 - 3, 4 << 20, 5<<20 - 10, 3 << 20, 0} {
		n := min(len(buf), 1+i*64<<10, len(data)-off)
		if k, err := d.ReadAt(buf[:n], int64(off)); k != n || err != nil || !bytes.Equal(buf[:n], data[off:off+n]) {
			t.Fatalf("read of %d at %d: %d bytes, %v, or wrong bytes", n, off, k, err)
		}
	}
	if n, err := d.ReadAt(buf[:10], d.Size()-4); n != 4 || err != io.EOF {
		t.Errorf("read over the end: %d, %v", n, err)
	}
}

func TestReinflatingCounts(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
	packed := archivetest.Deflate(data)
	r := &archivetest.Recorder{}
	c := r.Context()
	c.Budget.Inflated = 7 << 20
	s := archivetest.Source(packed)
	s.Depth = 30
	d := newInflated(c, s, "m", 4<<20, func() (io.Reader, func() int64, error) {
		return decompressor(methodDeflate, 0, 0, bytes.NewReader(packed))
	})
	var b [1]byte
	for _, off := range []int64{2<<20 + 7, 2 << 20, 1<<20 + 5, 2<<20 + 9} {
		if _, err := d.ReadAt(b[:], off); err != nil {
			break
		}
	}
	if !c.Stopped() {
		t.Error("reading back and forth inflated for nothing: the budget must count it")
	}
}
