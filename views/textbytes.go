package views

import (
	"bytes"
	"hash/crc32"
	"io"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/opcodes"
)

// bytesOf places n bytes of a pickle: as they lie in it, or as text that stands for them, which is decoded once as a
// compressed member is inflated. Protocols 0 to 2 have no bytes: Python 3 writes _codecs.encode(text, 'latin1') there, and
// what Python 2 wrote as str, loaders of arrays read as Latin-1 (pickle.load(f, encoding="latin1")).
func (w *interpreter) bytesOf(data opcodes.Value, n int64) (at int64, member int, err error) {
	if name, args, ok := w.callee(data); ok && name == "_codecs:encode" && len(args) == 2 {
		codec, _ := w.m.Str(args[1])
		if codec != "latin1" && codec != "latin-1" || args[0].Kind() != opcodes.KindStr {
			return 0, 0, limit("", "bytes encoded as %q", clip(codec))
		}
		return w.textOf(args[0], n)
	}
	off, have, whole := w.m.Place(data)
	switch kind := data.Kind(); {
	case kind == opcodes.KindStr, kind == opcodes.KindStr8 && !whole:
		return w.textOf(data, n)
	case !whole || w.in.base < 0:
		return 0, 0, limit("", "an array whose bytes do not lie in the file")
	case have != n:
		return 0, 0, limit("", "an array of %d bytes with %d bytes of data", n, have)
	}
	return w.in.base + off, w.in.member, nil
}

// textOf makes a member of a text that stands for n bytes.
func (w *interpreter) textOf(v opcodes.Value, n int64) (at int64, member int, err error) {
	if w.in.base < 0 || w.in.member != 0 || w.in.members == nil {
		return 0, 0, limit("", "an array whose bytes are text in a compressed file")
	}
	m := Member{Size: n, Method: archive.PackedLatin1}
	var whole bool
	if m.Offset, m.Packed, whole = w.m.Place(v); !whole {
		if m, err = w.line(v); err != nil {
			return 0, 0, err
		}
		m.Size = n
	}
	m.Offset += w.in.base
	for i, known := range *w.in.members {
		if known.Offset == m.Offset && known.Packed == m.Packed {
			if known.Size != n {
				return 0, 0, limit("", "an array of %d bytes with %d bytes of data", n, known.Size)
			}
			return 0, i + 1, nil
		}
	}
	if m.CRC, err = w.decoded(m); err != nil {
		return 0, 0, err
	}
	*w.in.members = append(*w.in.members, m)
	return 0, len(*w.in.members), nil
}

// line finds the text of UNICODE or STRING, which a newline ends. A literal's Value holds the offset of its opcode.
func (w *interpreter) line(v opcodes.Value) (m Member, err error) {
	head, off := make([]byte, 2), int64(v&(1<<56-1))
	if err := readFull(w.in.r, head, off); err != nil {
		return m, err
	}
	m.Offset, m.Packed = off+1, w.m.Len(v)
	switch {
	case head[0] == 'V':
		m.Method = archive.PackedRawUnicode
	case head[0] == 'S' && (head[1] == '\'' || head[1] == '"') && m.Packed >= 2:
		m.Method = archive.PackedString
		last := make([]byte, 1)
		if err := readFull(w.in.r, last, m.Offset+m.Packed-1); err != nil {
			return m, err
		}
		if last[0] != head[1] {
			return m, limit("", "a string with something behind its quotes")
		}
		m.Offset, m.Packed = m.Offset+1, m.Packed-2
	default:
		return m, limit("", "an array whose bytes do not lie in the file")
	}
	return m, nil
}

// decoded checks that a text stands for as many bytes as it should, and gives their CRC.
func (w *interpreter) decoded(m Member) (crc uint32, err error) {
	if m.Packed < 1 || !m.plausible() {
		return 0, limit("", "an array of %d bytes with %d bytes of text", m.Size, m.Packed)
	}
	r, _, err := m.Method.Open(io.NewSectionReader(w.in.r, m.Offset-w.in.base, m.Packed), m.Size)
	if err != nil {
		return 0, limit("", "%v", err)
	}
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, io.LimitReader(r, m.Size+1))
	if err != nil {
		return 0, limit("", "an array whose bytes are %v", err)
	}
	if n != m.Size {
		return 0, limit("", "an array of %d bytes with %d bytes of data or more", m.Size, n)
	}
	return sum.Sum32(), nil
}

// isOldPickle says that a file may be a pickle of protocol 0 or 1, which have no header: it begins with the opcode of a
// container or a name, and ends with STOP.
func isOldPickle(head []byte, s *formats.Source) bool {
	last := make([]byte, 1)
	if len(head) < 3 || bytes.IndexByte([]byte("(c}])"), head[0]) < 0 {
		return false
	}
	err := readFull(s.R, last, s.Size-1)
	return err == nil && last[0] == '.'
}
