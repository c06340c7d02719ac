package archive

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBytesWrittenAsText(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	utf8 := []byte{}
	for _, c := range every {
		utf8 = append(utf8, string(rune(c))...)
	}
	raw := bytes.ReplaceAll(bytes.ReplaceAll(bytes.Clone(every), []byte("\\"), []byte(`\u005c`)), []byte("\n"), []byte(`\u000a`))
	for _, tt := range []struct {
		packing Packing
		text    string
		want    string
		broken  bool
	}{
		{PackedLatin1, string(utf8), string(every), false},
		{PackedLatin1, "a\u0100", "", true},
		{PackedLatin1, "\xc3", "", true},
		{PackedLatin1, "\xff\x80", "", true},
		{PackedLatin1, "\xc3a", "", true},
		{PackedRawUnicode, string(raw), string(every), false},
		{PackedRawUnicode, `\U000000fFa\`, "\xffa\\", false},
		{PackedRawUnicode, `\\u0041`, `\\u0041`, false},
		{PackedRawUnicode, `\u0100`, "", true},
		{PackedRawUnicode, `\u00g0`, "", true},
		{PackedRawUnicode, `\u00`, "", true},
		{PackedString, `\x00\xFf\n\'\"\\\a\q\0\12\1234`, "\x00\xff\n'\"\\\a\\q\x00\n\x534", false},
		{PackedString, "\\\na", "a", false},
		{PackedString, `\x0`, "", true},
		{PackedString, `\`, "", true},
	} {
		r, _, err := tt.packing.Open(io.NewSectionReader(strings.NewReader(tt.text), 0, int64(len(tt.text))), 0)
		if err != nil || !tt.packing.Known() {
			t.Fatalf("%s: %v", tt.packing, err)
		}
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if (err != nil) != tt.broken || err == nil && string(got) != tt.want {
			t.Errorf("%s of %q: %q, %v", tt.packing, tt.text, got, err)
		}
	}
}
