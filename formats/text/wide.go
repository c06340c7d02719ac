package text

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"trustfs/formats"
)

// An encoding is one of more than a byte for each character, told by its byte order mark.
type encoding struct {
	mark  []byte
	order binary.ByteOrder
	unit  int // bytes
}

// encodings has UTF-32 first: in little endian its mark begins with that of UTF-16.
var encodings = []encoding{
	{[]byte("\xff\xfe\x00\x00"), binary.LittleEndian, 4}, {[]byte("\x00\x00\xfe\xff"), binary.BigEndian, 4},
	{[]byte("\xff\xfe"), binary.LittleEndian, 2}, {[]byte("\xfe\xff"), binary.BigEndian, 2},
}

func encodingOf(head []byte) *encoding {
	for i := range encodings {
		if bytes.HasPrefix(head, encodings[i].mark) {
			return &encodings[i]
		}
	}
	return nil
}

// wide turns text in UTF-16 or UTF-32 that begins with a byte order mark into UTF-8, as loaders in Python do before they
// look at it. ok is false for what is no such text; limit is the most bytes that are read.
func wide(s *formats.Source, limit int64) (text []byte, ok bool) {
	head := make([]byte, 4)
	n, _ := s.R.ReadAt(head[:min(4, s.Size)], 0)
	e := encodingOf(head[:n])
	if e == nil || limit < int64(len(e.mark)) {
		return nil, false
	}
	b := make([]byte, min(s.Size, limit))
	if _, err := s.R.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, false
	}
	out := e.decode(b[len(e.mark):])
	if s.Size > limit {
		out = bytes.TrimSuffix(out, []byte(string(utf8.RuneError))) // a pair that the limit cut
	}
	return out, len(out) > 0 && !bytes.ContainsRune(out, 0) && !bytes.ContainsRune(out, utf8.RuneError) // bytes that only begin so have both
}

// decode gives b in UTF-8; a code that is no character, and a cut one at the end, is utf8.RuneError.
func (e *encoding) decode(b []byte) []byte {
	out := make([]byte, 0, len(b)/e.unit*2)
	for ; len(b) >= e.unit; b = b[e.unit:] {
		if e.unit == 4 {
			out = utf8.AppendRune(out, rune(e.order.Uint32(b)))
			continue
		}
		r := rune(e.order.Uint16(b))
		if utf16.IsSurrogate(r) && len(b) >= 4 {
			if pair := utf16.DecodeRune(r, rune(e.order.Uint16(b[2:]))); pair != utf8.RuneError {
				r, b = pair, b[2:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
