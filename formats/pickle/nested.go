package pickle

import (
	"io"
	"unicode/utf8"

	"trustfs/formats"
	"trustfs/opcodes"
)

// maxEncoded bounds bytes that protocol 2 spells as text (_codecs.encode) and that are inspected as a file.
const maxEncoded = 8 << 20

// inspectBytes inspects bytes as a file of their own, once for each place (of the bytes, or of the call that makes them).
func (j *judge) inspectBytes(at, place int64, r io.ReaderAt, n int64) {
	if j.known.nested[place] {
		return
	}
	j.known.nested[place] = true
	j.c.Nested(j.c, &formats.Source{R: r, Size: n, Where: j.s.At(at), Depth: j.s.Depth + 1})
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
