package joblib

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func wrapped(class, filename string) []byte {
	return []byte("\x80\x02cjoblib.numpy_pickle\n" + class + "\n)\x81}(" + text("subclass") + "cnumpy\nndarray\n" + text("filename") + text(filename) + "ub.")
}

func TestCompanions(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		bad  bool
	}{
		{"beside", wrapped("NDArrayWrapper", "model.pkl_01.npy"), false},
		{"beside, compressed", wrapped("ZNDArrayWrapper", "model.pkl_01.npy.z"), false},
		{"parent folder", wrapped("NDArrayWrapper", "../model.npy"), true},
		{"absolute", wrapped("NDArrayWrapper", "/etc/passwd"), true},
		{"another folder", wrapped("ZNDArrayWrapper", "sub/model.npy"), true},
	} {
		c := (&archivetest.Recorder{}).Context()
		s := archivetest.Source(tt.data)
		if !(Companions{}).Detect(c, s) {
			t.Errorf("%s: not detected", tt.name)
			continue
		}
		Companions{}.Inspect(c, s)
		if got := slices.Equal(archivetest.Rules(c), []string{formats.RuleArchiveTraversal}); got != tt.bad || !tt.bad && len(c.Result.Findings) > 0 {
			t.Errorf("%s: findings %v", tt.name, c.Result.Findings)
		}
		if c.Result.Format != formats.FormatJoblib {
			t.Errorf("%s: format %q", tt.name, c.Result.Format)
		}
	}
	for _, other := range []string{"", "NDArrayWrapper is a class of joblib", "\x80\x02}."} {
		if (Companions{}).Detect(nil, archivetest.Source([]byte(other))) {
			t.Errorf("%q detected", other)
		}
	}
}

// Files shorter than the name that is looked for, and those that end with it.
func TestCompanionsOfShortFiles(t *testing.T) {
	for n := range 200 {
		b := append([]byte{0x80}, make([]byte, n)...)
		if (Companions{}).Detect(nil, &formats.Source{R: bytes.NewReader(b), Size: int64(len(b))}) {
			t.Errorf("%d zeros name the wrapper", n)
		}
		b = append(b, "NDArrayWrapper"...)
		if !(Companions{}).Detect(nil, &formats.Source{R: bytes.NewReader(b), Size: int64(len(b))}) {
			t.Errorf("the wrapper's name after %d bytes is overlooked", n+1)
		}
	}
}
