package oracle

import (
	"encoding/binary"
	"fmt"
)

// Pieces of text that readers are known to disagree about, or that are in the way of a careless parser.
var (
	integers = []string{"0", "1", "-1", "00", "01", "010", "0x1f", "0b1", "0o7", "1_0", "1__0", " 1 ", "+1", "-0", "", "5L", "99999999999999999999",
		"-99999999999999999999", "1\x00x", "\x00", "1\t", "0x", "0_0", "00_0", "9223372036854775808", "08", "1.0", "١"}
	floats  = []string{"1.5", "1e5", "1e400", "-1e400", "inf", "nan", " 1.5", "1_0.5", "1.5\x00x", "0x1p3", "", ".", "1.", ".5", "+-1", "1e", "infinity", "1__0", "-+1", "e5"}
	indices = []string{"0", "1", "2", "01", " 1", "1 ", "1_0", "-1", "+1", "", "x", "99999999999", "99999999999999999999999", "1\x00x", "0x1", "-0"}
	quoted  = []string{"'a'", `"os"`, `'\x6f\163'`, `'\x6'`, `'\'`, `'a`, `a`, `''`, `'`, `'a' `, `'\u0041'`, `'\8\n\q'`, `'é'`, `"'"`, `'a"`, `'\400'`}
	texts   = []string{"os", "", `\u0041`, `\\u0041`, `\u00`, `\U0010ffff`, `\U00110000`, `\ud800`, "é", `\`, `a\`, "\xff", `\N{DASH}`, `\x41`, "sys\r"}
	modules = []string{"os", "builtins", "__builtin__", "a.b", "", " ", "os\r", "\xc3\xa9", "\xff", "a\x00b", "collections", "copy_reg", "\t", "\xed\xa0\x80"}
	names   = []string{"system", "eval", "a.b.c", "", "__class__", "x y", "\xc3\xa9", "\xff", "dict", "\x00", "path.join\r"}
	blobs   = []string{"", "os", "system", "a\nb", "\xc3\xa9", "\xff", "\xed\xa0\x80", "\x80\x04N.", "a.b", "\x00", "cos\nsystem\n", "\xf4\x90\x80\x80", "\xc0\x80"}
)

// op appends an opcode with an argument.
func (g *generator) op(op byte) {
	g.b = append(g.b, op)
	le := binary.LittleEndian
	switch op {
	case 'I', 'L':
		g.line(pick(g, integers))
	case 'F':
		g.line(pick(g, floats))
	case 'S':
		g.line(pick(g, quoted))
	case 'V', 'P':
		g.line(pick(g, texts))
	case 'c', 'i':
		g.line(g.mostly(modules))
		g.line(g.mostly(names))
	case 'g', 'p':
		if g.r.IntN(2) == 0 {
			g.line(fmt.Sprint(g.r.IntN(len(g.memo) + 1)))
		} else {
			g.line(pick(g, indices))
		}
		g.remember(op == 'p', -1)
	case 'h', 'q':
		i := g.r.IntN(len(g.memo) + 1)
		if op == 'h' && len(g.memo) > 0 {
			i = g.r.IntN(len(g.memo))
		}
		g.b = append(g.b, byte(i))
		g.remember(op == 'q', i)
	case 'j', 'r':
		i := g.r.IntN(len(g.memo) + 2)
		g.b = le.AppendUint32(g.b, uint32(i))
	case 0x94:
		g.remember(true, len(g.memo))
	case 'J':
		g.b = le.AppendUint32(g.b, g.r.Uint32())
	case 'K', 0x82:
		g.b = append(g.b, byte(g.r.IntN(256)))
	case 0x80:
		g.b = append(g.b, byte(g.r.IntN(6)))
	case 'M':
		g.b = le.AppendUint16(g.b, uint16(g.r.IntN(1<<16)))
	case 0x83:
		g.b = le.AppendUint16(g.b, uint16(g.r.IntN(256)))
	case 0x84:
		g.b = le.AppendUint32(g.b, uint32(g.r.IntN(256)))
	case 'G':
		g.b = le.AppendUint64(g.b, g.r.Uint64())
	case 'U', 'C', 0x8c, 0x8a:
		g.counted(1)
	case 'T', 'X', 'B', 0x8b:
		g.counted(4)
	case 0x8d, 0x8e, 0x96:
		g.counted(8)
	case 0x95:
		g.b = le.AppendUint64(g.b, uint64(g.r.IntN(60)))
	}
}

// mostly picks one of the first, ordinary ones, more often.
func (g *generator) mostly(list []string) string {
	if g.r.IntN(4) > 0 {
		return list[g.r.IntN(4)]
	}
	return pick(g, list)
}

func (g *generator) line(s string) {
	g.b = append(append(g.b, s...), '\n')
}

// counted appends a length and so many bytes; the length is wrong now and then.
func (g *generator) counted(width int) {
	s := g.mostly(blobs)
	n := uint64(len(s))
	switch g.r.IntN(60) {
	case 0:
		n += uint64(g.r.IntN(4))
	case 1:
		n = 1 << 31
	case 2:
		n = 1<<64 - 1
	}
	g.b = append(g.b, binary.LittleEndian.AppendUint64(nil, n)[:width]...)
	g.b = append(g.b, s...)
}

// remember follows the memo.
func (g *generator) remember(put bool, i int) {
	if !put || len(g.stack) == 0 || i != len(g.memo) || i > 255 {
		return
	}
	g.memo = append(g.memo, g.stack[len(g.stack)-1])
}
