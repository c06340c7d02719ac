package numpy

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/archive/archivetest"
)

// npy builds a file as numpy does, the header padded to 64 bytes.
func npy(version byte, header, data string) []byte {
	b := append([]byte(magic), version, 0)
	text := header + strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	}
	return append(append(b, text...), data...)
}

func head(descr, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }", descr, shape)
}

func inspect(b []byte) (*formats.Context, *archivetest.Recorder) {
	r := &archivetest.Recorder{}
	c := r.Context()
	if s := archivetest.Source(b); (NPY{}).Detect(c, s) {
		NPY{}.Inspect(c, s)
	}
	return c, r
}

func TestArrays(t *testing.T) {
	const ambush = "cos\nsystem\n."
	for _, tt := range []struct {
		name string
		data []byte
		says string // in a format_malformed finding; "" for no finding
		see  string // what must be inspected as a pickle
	}{
		{"floats", npy(1, head("'<f4'", "(2, 3)"), strings.Repeat("x", 24)), "", ""},
		{"version 2", npy(2, head("'<f4'", "(6,)"), strings.Repeat("x", 24)), "", ""},
		{"version 3", npy(3, head("'<f4'", "()"), "xxxx"), "", ""},
		{"Python 2 integers", npy(1, head("'<i8'", "(1L, 2L)"), strings.Repeat("x", 16)), "", ""},
		{"strings and dates", npy(1, head("[('a', '<U2'), ('b', '|S3'), ('c', '<M8[ns]'), (('t', 'd'), '|b1', (2,))]", "(1,)"), strings.Repeat("x", 21)), "", ""},
		{"nested struct", npy(1, head("[('a', [('x', '<i4'), ('y', ('<i2', (2,)))])]", "(2,)"), strings.Repeat("x", 16)), "", ""},
		{"empty", npy(1, head("'<f8'", "(0, 3)"), ""), "", ""},
		{"two arrays", append(npy(1, head("'|u1'", "(1,)"), "x"), npy(1, head("'|u1'", "(2,)"), "xx")...), "", ""},
		{"objects", npy(1, head("'|O'", "(2,)"), ambush), "", ambush},
		{"objects in a struct", npy(1, head("[('a', '<i4'), ('b', 'O')]", "(2,)"), ambush), "", ambush},
		{"objects in a list of types", npy(1, head("'i4,O'", "(2,)"), ambush), "not a type string", ambush},
		{"header not a literal", npy(1, "__import__('os')", ambush), "neither a string", ambush},
		{"second array of objects", append(npy(1, head("'|u1'", "(1,)"), "x"), npy(1, head("'O'", "(2,)"), ambush)...), "", ambush},
		{"trailing", npy(1, head("'|u1'", "(1,)"), "x"+ambush), "behind the array", ambush},
		{"too short", npy(1, head("'<f8'", "(3,)"), "xxxx"), "4 bytes left", ""},
		{"shape overflows", npy(1, head("'<f8'", "(4294967296, 4294967296, 4)"), ""), "2^62", ""},
		{"size overflows", npy(1, head("'<f8'", "(4294967296, 1073741824)"), ""), "bytes left", ""},
		{"negative shape", npy(1, head("'<f8'", "(-1,)"), ""), "from zero on", ""},
		{"duplicate key", npy(1, "{'descr': '<f8', 'descr': 'O', 'fortran_order': False, 'shape': ()}", ambush), "twice", ambush},
		{"another key", npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}", ""), "4 keys", ""},
		{"version 9", npy(9, head("'<f8'", "()"), ""), "version 9", ""},
		{"nesting", npy(1, head(strings.Repeat("[", 200)+strings.Repeat("]", 200), "()"), ""), "deeper", ""},
		{"cut", npy(1, head("'<f8'", "()"), "")[:9], "cut", ""},
		{"header cut", npy(1, head("'<f8'", "()"), "")[:40], "left", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, r := inspect(tt.data)
			found := slices.ContainsFunc(c.Result.Findings, func(f formats.Finding) bool {
				return f.Rule == formats.RuleFormatMalformed && strings.Contains(f.Detail, tt.says)
			})
			if tt.says == "" && len(c.Result.Findings) > 0 || tt.says != "" && !found {
				t.Errorf("findings %v, want %q", c.Result.Findings, tt.says)
			}
			var seen string
			for _, m := range r.Members {
				seen += m
			}
			if seen != tt.see {
				t.Errorf("inspected as a pickle: %q, want %q", seen, tt.see)
			}
		})
	}
}

func TestHeaderSizeIsBounded(t *testing.T) {
	b := append([]byte(magic), 2, 0, 0xff, 0xff, 0xff, 0xff)
	c, _ := inspect(append(b, make([]byte, 100)...))
	if !slices.Contains(archivetest.Rules(c), formats.RuleHeaderOversized) {
		t.Errorf("findings %v, want %s", c.Result.Findings, formats.RuleHeaderOversized)
	}
}

func TestNPZ(t *testing.T) {
	b := archivetest.Zip{Files: []archivetest.File{{Name: "a.npy", Data: npy(1, head("'O'", "(1,)"), "pickle")}, {Name: "b.pkl", Data: []byte("raw")}}}.Bytes()
	r := &archivetest.Recorder{}
	c := r.Context()
	record := c.Nested
	c.Nested = func(c *formats.Context, s *formats.Source) {
		if (NPY{}).Detect(c, s) {
			NPY{}.Inspect(c, s)
			return
		}
		record(c, s)
	}
	archive.Inspector{Flavors: []archive.Flavor{NPZ{}}}.Inspect(c, archivetest.Source(b))
	if c.Result.Format != formats.FormatNPZ || r.Members["a.npy(objects)"] != "pickle" || r.Members["b.pkl"] != "raw" {
		t.Errorf("format %q, inspected %q", c.Result.Format, r.Members)
	}
}

func FuzzNPY(f *testing.F) {
	seeds := [][]byte{npy(1, head("'<f4'", "(2, 3)"), "xx"), npy(2, head("[('a', 'O')]", "(2,)"), "x"), npy(3, "{'descr': ('<f4', (2,)), \"x\": [None, True, -1, 'a\\n']}", "")}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _ := inspect(b)
		again, _ := inspect(b)
		if !slices.Equal(c.Result.Findings, again.Result.Findings) {
			t.Fatalf("two runs differ: %v and %v", c.Result.Findings, again.Result.Findings)
		}
		for _, f := range c.Result.Findings {
			if f.Detail == "" {
				t.Fatal("a finding without a reason")
			}
		}
	})
}
