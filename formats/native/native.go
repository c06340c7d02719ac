// Package native finds machine code: a file or archive member that the system, an interpreter's import or an accelerator's
// driver would run. There is nothing to inspect in it: that it is there is the finding.
package native

import (
	"bytes"
	"encoding/binary"
	"io"

	"trustfs/formats"
)

// Inspector implements formats.Inspector.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatCode }

// headSize is enough for every signature below; a PE header may lie further in and is read by itself.
const headSize = 64

// Detect implements formats.Inspector.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool { return kind(s) != "" }

// Inspect implements formats.Inspector.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	c.Addf(formats.RuleNativeCode, s.At(0), "%s", kind(s))
}

// kind names the machine code at the start of s, "" for none. Short signatures are held against what must follow
// them, since tensors and text begin with every pair of bytes sooner or later.
func kind(s *formats.Source) string {
	head := make([]byte, min(s.Size, headSize))
	n, err := s.R.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return ""
	}
	head = head[:n]
	has := func(sig string) bool { return bytes.HasPrefix(head, []byte(sig)) }
	switch {
	case has("\x7fELF"):
		return "an ELF program or library"
	case has("MZqFpD"):
		return "an actually portable executable, as llamafile makes"
	case has("MZ") && isPE(s, head):
		return "a Windows program or library"
	case isMachO(head):
		return "a Mach-O program or library"
	case has("\x00asm\x01\x00\x00\x00"):
		return "a WebAssembly module"
	case has("!<arch>\n"):
		return "an archive of object files"
	case has("dex\n03"):
		return "Dalvik byte code"
	case has("BC\xc0\xde"):
		return "LLVM bit code"
	case has("\x50\xed\x55\xba"):
		return "CUDA device code"
	case isPyc(head):
		return "compiled Python"
	}
	return ""
}

// isPE follows the offset at 60 to the PE signature.
func isPE(s *formats.Source, head []byte) bool {
	if len(head) < 64 {
		return false
	}
	sig := make([]byte, 4)
	if _, err := s.R.ReadAt(sig, int64(binary.LittleEndian.Uint32(head[60:]))); err != nil && err != io.EOF {
		return false
	}
	return string(sig) == "PE\x00\x00" || string(sig[:2]) == "NE" || string(sig[:2]) == "LE"
}

// isMachO knows thin files of both orders and widths, and fat ones, which share their signature with Java's class
// files: either is code.
func isMachO(head []byte) bool {
	if len(head) < 16 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0xfeedface, 0xfeedfacf:
		return binary.BigEndian.Uint32(head[12:]) <= 12
	case 0xcefaedfe, 0xcffaedfe:
		return binary.LittleEndian.Uint32(head[12:]) <= 12
	case 0xcafebabe, 0xcafebabf:
		return true
	}
	return false
}

// isPyc knows byte code of Python 3: a version's number, CR LF, flags of which three values exist, and behind the
// 16-byte header a marshalled code object.
func isPyc(head []byte) bool {
	if len(head) < 17 || head[2] != '\r' || head[3] != '\n' {
		return false
	}
	version, flags := binary.LittleEndian.Uint16(head), binary.LittleEndian.Uint32(head[4:])
	return version >= 3300 && version < 4000 && flags <= 3 && (head[16] == 0xe3 || head[16] == 'c')
}
