package torch

import (
	"bytes"
	"encoding/binary"
	"regexp"

	"trustfs/formats"
)

// signatures begin files that somebody could load instead of taking them for tensor bytes.
var signatures = [][]byte{
	[]byte("PK\x03\x04"), []byte("\x7fELF"), []byte("\xcf\xfa\xed\xfe"), []byte("\xce\xfa\xed\xfe"), []byte("\xca\xfe\xba\xbe"), []byte("\xca\xfe\xba\xbf"),
	[]byte("#!"), []byte("7z\xbc\xaf\x27\x1c"), []byte("\x1f\x8b\x08"), []byte("\xfd7zXZ\x00"), []byte("\x93NUMPY"), []byte("\x89HDF\r\n"), []byte("GGUF"), []byte("BZh"),
}

// textPickle is a name as pickles of protocols 0 to 3 resolve it.
var textPickle = regexp.MustCompile(`[ci][A-Za-z_][A-Za-z0-9_.]*\n[A-Za-z_][A-Za-z0-9_.]*\n`)

// suspicious says that bytes which should be tensors begin like a file of their own. It reads a few hundred bytes.
func suspicious(s *formats.Source) bool {
	head := make([]byte, min(256, s.Size))
	if n, _ := s.R.ReadAt(head, 0); n < len(head) {
		return true // unreadable: let whoever inspects it say so
	}
	for _, sig := range signatures {
		if bytes.HasPrefix(head, sig) {
			return true
		}
	}
	if len(head) > 2 && head[0] == 0x80 && head[1] <= 5 || textPickle.Match(head) {
		return true
	}
	if len(head) >= 64 && head[0] == 'M' && head[1] == 'Z' { // two letters are nothing: the header must lead to PE
		var pe [4]byte
		at := int64(binary.LittleEndian.Uint32(head[60:]))
		n, _ := s.R.ReadAt(pe[:], at)
		return n == 4 && string(pe[:]) == "PE\x00\x00"
	}
	return false
}
