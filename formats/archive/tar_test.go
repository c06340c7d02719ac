package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := "body of " + h.Name
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(body))
		}
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTar(t *testing.T) {
	honest := tarOf(t, tar.Header{Name: "d/", Typeflag: tar.TypeDir}, tar.Header{Name: "d/a"}, tar.Header{Name: strings.Repeat("long/", 60) + "b"},
		tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "a"})
	for _, tt := range []struct {
		name string
		data []byte
		rule string // "" for none
		see  []string
	}{
		{"honest", honest, "", []string{"d/a", strings.Repeat("long/", 60) + "b"}},
		{"padded", append(bytes.Clone(honest), make([]byte, 10240)...), "", []string{"d/a"}},
		{"parent folder", tarOf(t, tar.Header{Name: "../x"}), formats.RuleArchiveTraversal, []string{"../x"}},
		{"absolute", tarOf(t, tar.Header{Name: "/x"}), formats.RuleArchiveTraversal, []string{"/x"}},
		{"symbolic link out", tarOf(t, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../../etc"}), formats.RuleArchiveTraversal, nil},
		{"symbolic link absolute", tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), formats.RuleArchiveTraversal, nil},
		{"hard link out", tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "../etc/passwd"}), formats.RuleArchiveTraversal, nil},
		{"device", tarOf(t, tar.Header{Name: "dev", Typeflag: tar.TypeChar}), formats.RuleArchiveMalformed, nil},
		{"twice", tarOf(t, tar.Header{Name: "a"}, tar.Header{Name: "./a"}), formats.RuleArchiveAmbiguous, []string{"a", "./a"}},
		{"goes on", append(bytes.Clone(honest), tarOf(t, tar.Header{Name: "more"})...), formats.RuleArchiveAmbiguous, []string{"d/a", "more"}},
		{"trailing", append(bytes.Clone(honest), "PK and so on"...), formats.RuleArchiveAmbiguous, []string{"d/a"}},
		{"cut", honest[:1030], formats.RuleArchiveMalformed, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &archivetest.Recorder{}
			c := r.Context()
			s := archivetest.Source(tt.data)
			if !(Tar{}).Detect(c, s) {
				t.Fatal("not detected")
			}
			Tar{}.Inspect(c, s)
			if tt.rule == "" && len(c.Result.Findings) > 0 || tt.rule != "" && !slices.Contains(archivetest.Rules(c), tt.rule) {
				t.Errorf("findings %v, want %q", c.Result.Findings, tt.rule)
			}
			for _, name := range tt.see {
				if r.Members[name] != "body of "+name {
					t.Errorf("%q inspected as %q", name, r.Members[name])
				}
			}
		})
	}
}

func TestTarsOfLoaders(t *testing.T) {
	for want, names := range map[string][]string{
		formats.FormatNemo: {"./model_config.yaml", "./model_weights.ckpt"}, formats.FormatPytorchTar: {"sys_info", "storages", "tensors", "pickle"}, "": {"a", "pickle"},
	} {
		var headers []tar.Header
		for _, n := range names {
			headers = append(headers, tar.Header{Name: n})
		}
		c := (&archivetest.Recorder{}).Context()
		Tar{}.Inspect(c, archivetest.Source(tarOf(t, headers...)))
		if c.Result.Format != want {
			t.Errorf("%v: format %q, want %q", names, c.Result.Format, want)
		}
	}
}

// A model archive ends in a zip archive often enough (NeMo), which must not make it one.
func TestTarWithZipAtItsEndIsNoZip(t *testing.T) {
	inner := zipOf{Files: []file{{Name: "a", Data: []byte("x")}}}.Bytes()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "m.ckpt", Mode: 0o644, Size: int64(len(inner)), Typeflag: tar.TypeReg})
	_, _ = w.Write(inner)
	_ = w.WriteHeader(&tar.Header{Name: "config.yaml", Mode: 0o644, Size: 3, Typeflag: tar.TypeReg})
	_, _ = w.Write([]byte("a: "))
	_ = w.Close()
	if IsZip(archivetest.Source(b.Bytes())) {
		t.Error("a tar whose last member is a zip archive taken for a zip archive")
	}
	if !IsZip(archivetest.Source(append(b.Bytes(), inner...))) {
		t.Error("a zip archive behind a tar overlooked: zipfile opens it")
	}
}

// tiny7z builds a 7z archive of one stored member, by 7zFormat.txt of the LZMA SDK.
func tiny7z(name, body string) []byte {
	var names []byte
	for _, c := range name + "\x00" {
		names = append(names, byte(c), 0)
	}
	h := []byte{1, 4, 6, 0, 1, 9, byte(len(body)), 0, 7, 11, 1, 0, 1, 1, 0, 12, byte(len(body)), 0, 0}
	h = append(h, 5, 1, 17, byte(len(names)+1), 0)
	h = append(append(h, names...), 0, 0)
	start := binary.LittleEndian.AppendUint64(nil, uint64(len(body)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(h)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(h))
	b := append([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(start))...)
	return append(append(append(b, start...), body...), h...)
}

func TestSevenZip(t *testing.T) {
	inspect := func(b []byte) (*formats.Context, *archivetest.Recorder) {
		r := &archivetest.Recorder{}
		c := r.Context()
		if s := archivetest.Source(b); (SevenZip{}).Detect(c, s) {
			SevenZip{}.Inspect(c, s)
		}
		return c, r
	}
	b := tiny7z("a.pkl", "hello")
	if c, r := inspect(b); r.Members["a.pkl"] != "hello" || len(c.Result.Findings) > 0 {
		t.Fatalf("inspected %q, findings %v", r.Members, c.Result.Findings)
	}
	if c, _ := inspect(tiny7z("../a", "hello")); !slices.Equal(archivetest.Rules(c), []string{formats.RuleArchiveTraversal}) {
		t.Errorf("findings %v, want %s", c.Result.Findings, formats.RuleArchiveTraversal)
	}
	for n := 6; n < len(b); n++ { // every prefix: a reason, no panic
		if c, _ := inspect(b[:n]); !slices.Equal(archivetest.Rules(c), []string{formats.RuleArchiveMalformed}) {
			t.Errorf("cut at %d: findings %v, want %s", n, c.Result.Findings, formats.RuleArchiveMalformed)
		}
	}
}
