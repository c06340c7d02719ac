package native

import (
	"encoding/binary"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func pe(at uint32, sig string) string {
	b := append([]byte("MZ"), make([]byte, 98)...)
	binary.LittleEndian.PutUint32(b[60:], at)
	copy(b[80:], sig)
	return string(b)
}

func TestKinds(t *testing.T) {
	pad := strings.Repeat("\x00", 64)
	for content, want := range map[string]string{
		"\x7fELF\x02\x01\x01":              "ELF",
		"MZqFpD='\n":                       "portable",
		pe(80, "PE\x00\x00"):               "Windows",
		"\xcf\xfa\xed\xfe" + pad:           "Mach-O",
		"\xfe\xed\xfa\xce" + pad:           "Mach-O",
		"\xca\xfe\xba\xbe" + pad:           "Mach-O",
		"\x00asm\x01\x00\x00\x00":          "WebAssembly",
		"!<arch>\n":                        "object files",
		"dex\n035\x00":                     "Dalvik",
		"BC\xc0\xde":                       "LLVM",
		"\x50\xed\x55\xba":                 "CUDA",
		"\xa7\x0d\r\n" + pad[:12] + "\xe3": "Python",
	} {
		r := inspecttest.Expect(t, Inspector{}, []byte(content), formats.RuleNativeCode)
		if len(r.Findings) == 1 && !strings.Contains(r.Findings[0].Detail, want) {
			t.Errorf("%.8q: %q, want %s", content, r.Findings[0].Detail, want)
		}
	}
	for _, content := range []string{"", "\x7fEL", "MZ", "MZ is a text", pe(80, "xx"), pe(1<<31, "PE\x00\x00"), "\xcf\xfa\xed\xfe",
		"\xcf\xfa\xed\xfe" + strings.Repeat("\xff", 64), "\x00asm\x02\x00\x00\x00", "ab\r\n" + pad} {
		if r, ok := inspecttest.Run(Inspector{}, []byte(content)); ok {
			t.Errorf("%.8q: detected, %+v", content, r.Findings)
		}
	}
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "x", []byte(pe(80, "PE\x00\x00")), []byte("\x7fELF"))
}
