package archive

import (
	stdzip "archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

func zipSeeds() [][]byte {
	a := file{Name: "m/data.pkl", Data: []byte("\x80\x02}."), Descriptor: true}
	b := file{Name: "m/b", Data: []byte(strings.Repeat("hello ", 20)), Method: 8}
	one := zipOf{Files: []file{a, b}, Zip64: true}.Bytes()
	return [][]byte{
		one, append(bytes.Clone(one), zipOf{Files: []file{b}}.Bytes()...),
		zipOf{Files: []file{b, {Name: "m/b", Data: []byte("x"), Hidden: true}}, Comment: []byte("PK\x05\x06")}.Bytes(),
		zipOf{Prefix: []byte("prefix"), Files: []file{a}, Trailing: []byte("behind")}.Bytes(),
	}
}

// checkZip inspects b and demands what every inspection of every archive must give: the same twice; and, if Go's own
// reader gets bytes out of a member, that the same bytes were inspected.
func checkZip(t *testing.T, b []byte) {
	t.Helper()
	run := func() (*formats.Context, *archivetest.Recorder) {
		r := &archivetest.Recorder{}
		c := r.Context()
		c.Budget.Inflated = 4 << 20
		if s := archivetest.Source(b); IsZip(s) {
			Inspector{}.Inspect(c, s)
		}
		return c, r
	}
	c, r := run()
	if again, _ := run(); !slices.Equal(c.Result.Findings, again.Result.Findings) {
		t.Fatalf("two runs differ: %v and %v", c.Result.Findings, again.Result.Findings)
	}
	z, err := stdzip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || c.Stopped() {
		return
	}
	for _, f := range z.File {
		rc, err := f.Open()
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(rc, 1<<20))
		if err != nil || len(data) == 0 {
			continue
		}
		seen := false
		for _, m := range r.Members {
			seen = seen || strings.Contains(m, string(data))
		}
		if !seen {
			t.Fatalf("archive/zip reads %q from %q, inspected were %q; findings %v", data, f.Name, r.Members, c.Result.Findings)
		}
	}
}

func TestZipMutations(t *testing.T) {
	for _, b := range zipSeeds() {
		for n := range b {
			checkZip(t, b[:n])
			for _, v := range []byte{0, 0xff, b[n] ^ 1, b[n] ^ 0x80} {
				m := bytes.Clone(b)
				m[n] = v
				checkZip(t, m)
			}
		}
	}
}

func FuzzZip(f *testing.F) {
	for _, b := range zipSeeds() {
		f.Add(b)
	}
	f.Fuzz(checkZip)
}

func FuzzTar(f *testing.F) {
	f.Add(append(tarOf(f), tarOf(f)...))
	f.Add([]byte(strings.Repeat("x", 600)))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := (&archivetest.Recorder{}).Context()
		if s := archivetest.Source(b); (Tar{}).Detect(c, s) {
			Tar{}.Inspect(c, s)
		}
	})
}

func FuzzStreams(f *testing.F) {
	for _, b := range streamSamples(f, []byte("hello, hello, hello")) {
		f.Add(b)
	}
	f.Add([]byte(helloBzip2))
	f.Add(tiny7z("a", "hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _, by := inspectStreams(b)
		if s := archivetest.Source(b); (SevenZip{}).Detect(c, s) {
			SevenZip{}.Inspect(c, s)
		}
		for _, f := range c.Result.Findings {
			if f.Detail == "" {
				t.Fatalf("%v: a finding without a reason", by)
			}
		}
	})
}
