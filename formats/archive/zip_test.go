package archive

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

type (
	zipOf  = archivetest.Zip
	file   = archivetest.File
	fields = archivetest.Fields
)

// inspectZip runs the zip inspector over b.
func inspectZip(t *testing.T, b []byte) (*formats.Context, *archivetest.Recorder) {
	t.Helper()
	r := &archivetest.Recorder{}
	c := r.Context()
	s := archivetest.Source(b)
	if !(Inspector{}).Detect(c, s) {
		t.Fatal("not detected as a zip archive")
	}
	Inspector{}.Inspect(c, s)
	return c, r
}

func TestHonestArchivesGiveNoFinding(t *testing.T) {
	pad := func(f *fields) { f.Extra = append([]byte("FB\x10\x00"), bytes.Repeat([]byte("Z"), 16)...) }
	zip64 := func(f *fields) { // as zipfile and numpy write members that they stream
		f.Packed, f.Size = max32, max32
		f.Extra = []byte("\x01\x00\x10\x00\x05\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00")
	}
	unused := func(f *fields) {
		f.Extra = []byte("\x01\x00\x10\x00\x05\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00")
	}
	inner := zipOf{Files: []file{{Name: "x", Data: []byte("hello")}}}.Bytes()
	for name, z := range map[string]zipOf{
		"stored":             {Files: []file{{Name: "a", Data: []byte("hello")}, {Name: "d/b", Data: []byte("world")}}},
		"deflated":           {Files: []file{{Name: "a", Data: []byte("hello"), Method: 8}}},
		"as torch writes":    {Files: []file{{Name: "a/data.pkl", Data: []byte("hello"), Descriptor: true, Local: pad}, {Name: "a/version", Data: []byte("3\n"), Descriptor: true, Local: pad}}, Zip64: true},
		"zip64 local header": {Files: []file{{Name: "a", Data: []byte("hello"), Local: zip64}, {Name: "b", Data: []byte("x")}}},
		"zip64 field unused": {Files: []file{{Name: "a", Data: []byte("hello"), Local: unused}, {Name: "b", Data: []byte("x")}}},
		"zip64, empty":       {Files: []file{{Name: "a", Descriptor: true, Local: unused, Gap: make([]byte, 8)}, {Name: "b", Data: []byte("x")}}},
		"comment":            {Files: []file{{Name: "a", Data: []byte("hello")}}, Comment: []byte("made by hand")},
		"folder":             {Files: []file{{Name: "d/"}, {Name: "d/a", Data: []byte("hello")}}},
		"empty member":       {Files: []file{{Name: "a"}, {Name: "b", Descriptor: true}}},
		"empty archive":      {},
		"zip in zip, last":   {Files: []file{{Name: "in.zip", Data: inner}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := inspectZip(t, z.Bytes())
			if len(c.Result.Findings) > 0 {
				t.Errorf("findings: %v", c.Result.Findings)
			}
			for _, f := range z.Files {
				if len(f.Data) > 0 && r.Members[f.Name] != string(f.Data) {
					t.Errorf("member %q inspected as %q, want %q", f.Name, r.Members[f.Name], f.Data)
				}
			}
		})
	}
}

// unicodePath gives the member "a" the name "b.pkl" for readers of the field (APPNOTE.TXT 4.6.9).
func unicodePath(f *fields) {
	f.Extra = append([]byte("up\x0a\x00\x01"), binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("a")))...)
	f.Extra = append(f.Extra, "b.pkl"...)
}

func TestDisagreementsAreFound(t *testing.T) {
	evil := []byte("evil")
	one := func(f file) zipOf {
		f.Name, f.Data = "a", evil
		return zipOf{Files: []file{f, {Name: "b", Data: []byte("x")}}}
	}
	tests := []struct {
		name string
		zip  zipOf
		rule string
		says string   // in some finding
		see  []string // names under which "evil" must be inspected
	}{
		{"local name", one(file{Local: func(f *fields) { f.Name = "z.txt" }}), formats.RuleArchiveAmbiguous, "name of member", []string{"a", "z.txt"}},
		{"central name", one(file{Central: func(f *fields) { f.Name = "a.txt" }}), formats.RuleArchiveAmbiguous, "name of member", []string{"a", "a.txt"}},
		{"CRC in both records", one(file{Local: func(f *fields) { f.CRC = 1 }, Central: func(f *fields) { f.CRC = 1 }}), formats.RuleArchiveAmbiguous, "zipfile refuses", []string{"a"}},
		{"CRC in the local header", one(file{Local: func(f *fields) { f.CRC = 1 }}), formats.RuleArchiveAmbiguous, "CRC of member", []string{"a"}},
		{"encrypted in both records", one(file{Local: func(f *fields) { f.Flags = 1 }, Central: func(f *fields) { f.Flags = 1 }}), formats.RuleArchiveEncrypted, "encrypted", []string{"a"}},
		{"encrypted in the local header", one(file{Local: func(f *fields) { f.Flags = 1 }}), formats.RuleArchiveAmbiguous, "encryption flags", []string{"a"}},
		{"patched data flag", one(file{Local: func(f *fields) { f.Flags = 0x20 }, Central: func(f *fields) { f.Flags = 0x20 }}), formats.RuleArchiveEncrypted, "0x20", []string{"a"}},
		{"local method", one(file{Local: func(f *fields) { f.Method = 8 }}), formats.RuleArchiveAmbiguous, "method of member", []string{"a"}},
		{"central size", one(file{Central: func(f *fields) { f.Packed, f.Size = 2, 2 }}), formats.RuleArchiveAmbiguous, "size of member", nil},
		{"local size", one(file{Local: func(f *fields) { f.Packed, f.Size = 2, 2 }}), formats.RuleArchiveAmbiguous, "size of member", []string{"a"}},
		{"unknown method", one(file{Local: func(f *fields) { f.Method = 99 }, Central: func(f *fields) { f.Method = 99 }}), formats.RuleArchiveMalformed, "method 99", nil},
		{"stored of two sizes", one(file{Local: func(f *fields) { f.Size = 9 }, Central: func(f *fields) { f.Size = 9 }}), formats.RuleArchiveMalformed, "should hold 9", nil},
		{"hidden member", one(file{Hidden: true}), formats.RuleArchiveAmbiguous, "no central directory", []string{"a"}},
		{"twice", zipOf{Files: []file{{Name: "a", Data: []byte("good")}, {Name: "a", Data: evil}}}, formats.RuleArchiveAmbiguous, "occurs twice", nil},
		{"case", zipOf{Files: []file{{Name: "x/data.pkl", Data: []byte("good")}, {Name: "x/DATA.PKL", Data: evil}}}, formats.RuleArchiveAmbiguous, "case only", []string{"x/DATA.PKL"}},
		{"prefix", zipOf{Prefix: []byte("GGUF and more"), Files: []file{{Name: "a", Data: evil}}}, formats.RuleArchiveAmbiguous, "13 bytes from where", []string{"a"}},
		{"trailing", zipOf{Files: []file{{Name: "a", Data: evil}}, Trailing: []byte("more")}, formats.RuleArchiveAmbiguous, "behind", []string{"a"}},
		{"gap", zipOf{Files: []file{{Name: "a", Data: evil, Gap: []byte("secret")}, {Name: "b"}}}, formats.RuleArchiveAmbiguous, "6 bytes that belong", []string{"a"}},
		{"end record count", zipOf{Files: []file{{Name: "a", Data: evil}}, End: func(n *uint16, _, _ *uint32) { *n = 2 }}, formats.RuleArchiveAmbiguous, "central directory of 1 records", []string{"a"}},
		{"end record offset", zipOf{Files: []file{{Name: "a", Data: evil}}, End: func(_ *uint16, _, off *uint32) { *off = 1 << 30 }}, formats.RuleArchiveMalformed, "outside of the file", []string{"a"}},
		{"parent folder", zipOf{Files: []file{{Name: "../../etc/x", Data: evil}}}, formats.RuleArchiveTraversal, "a path with ..", []string{"../../etc/x"}},
		{"backslash", zipOf{Files: []file{{Name: `..\x`, Data: evil}}}, formats.RuleArchiveTraversal, "a path with ..", []string{`..\x`}},
		{"absolute", zipOf{Files: []file{{Name: "/etc/x", Data: evil}}}, formats.RuleArchiveTraversal, "absolute", []string{"/etc/x"}},
		{"drive", zipOf{Files: []file{{Name: "c:x", Data: evil}}}, formats.RuleArchiveTraversal, "drive", []string{"c:x"}},
		{"NUL in the name", zipOf{Files: []file{{Name: "a.pkl\x00.txt", Data: evil}}}, formats.RuleArchiveAmbiguous, "to some readers", []string{"a.pkl", "a.pkl\x00.txt"}},
		{"symbolic link", zipOf{Files: []file{{Name: "l", Data: []byte("../../etc"), Central: func(f *fields) { f.Mode = 0xa1ff }}}}, formats.RuleArchiveTraversal, "symbolic link", nil},
		{"marked as a folder", one(file{Central: func(f *fields) { f.Attributes = 0x10 }}), formats.RuleArchiveAmbiguous, "marked as a folder", []string{"a"}},
		{"a folder's name with bytes", zipOf{Files: []file{{Name: "a/", Data: evil}}}, formats.RuleArchiveAmbiguous, "marked as a folder", []string{"a/"}},
		{"no members counted, behind a prefix", zipOf{Prefix: []byte("GGUF"), Files: []file{{Name: "a", Data: evil}}, End: func(n *uint16, _, _ *uint32) { *n = 0 }}, formats.RuleArchiveAmbiguous, "says 0 in", []string{"a"}},
		{"last record cut", zipOf{Files: []file{{Name: "a", Data: evil, Central: func(f *fields) { f.Comment = 1000 }}}}, formats.RuleArchiveMalformed, "central record of 1047", []string{"a"}},
		{"hidden member with a descriptor", one(file{Hidden: true, Descriptor: true}), formats.RuleArchiveAmbiguous, "no central directory", []string{"a"}},
		{"bytes behind the compressed data", zipOf{Files: []file{{Name: "a", Data: evil, Method: 8, Packed: append(archivetest.Deflate(evil), "more"...)}}}, formats.RuleArchiveAmbiguous, "ends after", []string{"a"}},
		{"another name in an extra field", one(file{Local: unicodePath, Central: unicodePath}), formats.RuleArchiveAmbiguous, "to some readers", []string{"a", "b.pkl"}},
		{"two records of one member", zipOf{Files: []file{{Name: "a", Data: evil}, {Name: "b", Data: []byte("x"), Central: func(f *fields) { f.Offset = 0 }}}}, formats.RuleArchiveAmbiguous, "overlap", []string{"a"}},
		{"bytes cut out in front", zipOf{Files: []file{{Name: "a", Data: evil}}, End: func(_ *uint16, _, off *uint32) { *off += 5 }}, formats.RuleArchiveAmbiguous, "-5 bytes from where", []string{"a"}},
		{"local offset outside", one(file{Central: func(f *fields) { f.Offset = 1 << 30 }}), formats.RuleArchiveMalformed, "puts member", []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, r := inspectZip(t, tt.zip.Bytes())
			ok := slices.ContainsFunc(c.Result.Findings, func(f formats.Finding) bool {
				return f.Rule == tt.rule && strings.Contains(f.Detail, tt.says)
			})
			if !ok {
				t.Errorf("no %s saying %q in %v", tt.rule, tt.says, c.Result.Findings)
			}
			for _, where := range tt.see {
				if !strings.Contains(r.Members[where], "evil") {
					t.Errorf("%q was not inspected, or as %q", where, r.Members[where])
				}
			}
		})
	}
}

// Two archives of one layout, one behind the other: torch takes the first, Python's zipfile the last.
func TestConcatenatedArchivesAreBothRead(t *testing.T) {
	first := zipOf{Files: []file{{Name: "a", Data: []byte("evil")}}}.Bytes()
	second := zipOf{Files: []file{{Name: "a", Data: []byte("good")}}}.Bytes()
	c, r := inspectZip(t, append(first, second...))
	if got := r.Members["a"]; got != "evil|good" {
		t.Errorf("inspected %q, want both members", got)
	}
	if !slices.Contains(archivetest.Rules(c), formats.RuleArchiveAmbiguous) {
		t.Errorf("no %s in %v", formats.RuleArchiveAmbiguous, c.Result.Findings)
	}
}

// Python takes the zip64 end record in front of its locator, wherever the locator points.
func TestMisplacedLocator(t *testing.T) {
	b := zipOf{Files: []file{{Name: "a", Data: []byte("evil")}}, Zip64: true}.Bytes()
	end := len(b) - lenEnd
	copy(b[end-lenLocator64+8:], "\x01\x00\x00\x00\x00\x00\x00\x00") // points to no record
	copy(b[end+10:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")     // count, size and offset are left to it
	c, r := inspectZip(t, b)
	for _, f := range c.Result.Findings {
		if strings.Contains(f.Detail, "no central directory") {
			t.Errorf("the directory was not found: %v", c.Result.Findings)
		}
	}
	if r.Members["a"] != "evil" {
		t.Errorf("inspected %q", r.Members)
	}
}

// What only the local header and the descriptor say is enough to read a hidden member without another finding.
func TestHiddenDescriptorIsRead(t *testing.T) {
	c, _ := inspectZip(t, zipOf{Files: []file{{Name: "a", Data: []byte("evil"), Hidden: true, Descriptor: true}, {Name: "b", Data: []byte("x")}}}.Bytes())
	if got := archivetest.Rules(c); !slices.Equal(got, []string{formats.RuleArchiveAmbiguous}) {
		t.Errorf("findings %v", c.Result.Findings)
	}
}

// An end record in the comment of another: readers that look for the last one see an archive of its own.
func TestEndRecordInComment(t *testing.T) {
	hidden := zipOf{Files: []file{{Name: "h", Data: []byte("evil")}}}.Bytes()
	c, r := inspectZip(t, zipOf{Files: []file{{Name: "a", Data: []byte("good")}}, Comment: hidden}.Bytes())
	if r.Members["h"] != "evil" || r.Members["a"] != "good" {
		t.Errorf("inspected %q, want both archives", r.Members)
	}
	if !slices.Contains(archivetest.Rules(c), formats.RuleArchiveAmbiguous) {
		t.Errorf("no %s in %v", formats.RuleArchiveAmbiguous, c.Result.Findings)
	}
}

func TestCutArchiveIsReadByLocalHeaders(t *testing.T) {
	b := zipOf{Files: []file{{Name: "a", Data: []byte("evil")}}}.Bytes()
	c, r := inspectZip(t, b[:40])
	if r.Members["a"] != "evil" {
		t.Errorf("inspected %q", r.Members)
	}
	if !slices.Contains(archivetest.Rules(c), formats.RuleArchiveMalformed) {
		t.Errorf("no %s in %v", formats.RuleArchiveMalformed, c.Result.Findings)
	}
}

func TestZipBudgets(t *testing.T) {
	bomb := make([]byte, 8<<20)
	many := zipOf{}
	for i := range 40 {
		many.Files = append(many.Files, file{Name: strings.Repeat("m", i+1)})
	}
	bz := func(n int) []byte { return zipOf{Files: []file{{Name: "a", Data: bomb[:n], Method: 8}}}.Bytes() }
	for _, tt := range []struct {
		name   string
		data   []byte
		budget func(*formats.Budget)
		says   string // "" for within the budget
	}{
		{"ratio within", bz(2 << 20), func(b *formats.Budget) { b.Ratio = 1100 }, ""},
		{"ratio beyond", bz(2 << 20), func(b *formats.Budget) { b.Ratio = 100 }, "ratio"},
		{"inflated within", bz(1 << 20), func(b *formats.Budget) { b.Inflated = 1 << 20 }, ""},
		{"inflated beyond", bz(1<<20 + 1), func(b *formats.Budget) { b.Inflated = 1 << 20 }, "inflated"},
		{"members within", many.Bytes(), func(b *formats.Budget) { b.Members = 40 }, ""},
		{"members beyond", many.Bytes(), func(b *formats.Budget) { b.Members = 39 }, "members"},
		{"depth beyond", bz(1), func(b *formats.Budget) { b.Depth = 0 }, "depth"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &archivetest.Recorder{}
			c := r.Context()
			tt.budget(&c.Budget)
			Inspector{}.Inspect(c, archivetest.Source(tt.data))
			var said string
			for _, f := range c.Result.Findings {
				if f.Rule == formats.RuleLimitExceeded {
					said = f.Detail
				}
			}
			if tt.says == "" && len(c.Result.Findings) > 0 || !strings.HasPrefix(said, tt.says) || c.Stopped() != (tt.says != "") {
				t.Errorf("findings %v, stopped %v; want one that begins %q", c.Result.Findings, c.Stopped(), tt.says)
			}
		})
	}
}
