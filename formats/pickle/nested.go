package pickle

import (
	"bytes"
	"io"
	"unicode/utf8"

	"trustfs/formats"
	"trustfs/opcodes"
)

// maxEncoded bounds bytes that protocol 2 spells as text (_codecs.encode) and that are inspected as a file.
const maxEncoded = 8 << 20

// nested inspects n bytes of the stream as a file of their own.
func (j *judge) nested(at, off, n int64) {
	j.c.Nested(j.c, &formats.Source{R: io.NewSectionReader(j.s.R, off, n), Size: n, Where: j.s.At(at), Depth: j.s.Depth + 1})
}

func memorySource(s *formats.Source, data []byte, where string) *formats.Source {
	return &formats.Source{R: bytes.NewReader(data), Size: int64(len(data)), Where: where, Depth: s.Depth + 1}
}

// encoded gives the bytes that _codecs.encode(text, 'latin1') makes: how protocol 2 spells bytes.
func (j *judge) encoded(m *opcodes.Machine, v opcodes.Value) ([]byte, bool) {
	if n := j.made(m, v); !n.is("_codecs:encode") {
		return nil, false
	}
	_, args, _ := m.Call(v)
	items := m.Items(args)
	if len(items) == 0 || len(items) > 2 {
		return nil, false
	}
	if len(items) == 2 {
		if enc, ok := text(m, items[1], 64); !ok || enc != "latin1" && enc != "latin-1" {
			return nil, false
		}
	}
	s, ok := text(m, items[0], maxEncoded)
	if !ok {
		return nil, false
	}
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r > 0xff {
			return nil, false
		}
		out, s = append(out, byte(r)), s[size:]
	}
	return out, true
}
