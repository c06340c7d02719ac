package opcodes

import (
	"bytes"
	"unicode/utf8"
)

// unquote takes the outermost pair of equal quotes away.
func unquote(b []byte) ([]byte, bool) {
	if n := len(b); n >= 2 && b[0] == b[n-1] && (b[0] == '\'' || b[0] == '"') {
		return b[1 : n-1], true
	}
	return nil, false
}

// trimSigned takes away what cPickle allows after a STRING's quote: characters up to space, which with C's signed char
// are those from 0x80 on too.
func trimSigned(b []byte) []byte {
	for len(b) > 0 && int8(b[len(b)-1]) <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// unescape appends to dst what Python's escapes in bytes stand for; false if one is wrong. Unknown escapes stand for
// themselves. Source: Objects/bytesobject.c, PyBytes_DecodeEscape.
func unescape(dst, b []byte) ([]byte, bool) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(dst, b...), true
		}
		dst = append(dst, b[:i]...)
		if b = b[i+1:]; len(b) == 0 {
			return dst, false
		}
		c := b[0]
		b = b[1:]
		switch {
		case c == 'x':
			if len(b) < 2 || !isDigit(b[0], 16) || !isDigit(b[1], 16) {
				return dst, false
			}
			dst = append(dst, hexDigit(b[0])<<4|hexDigit(b[1]))
			b = b[2:]
		case c >= '0' && c <= '7':
			x := c - '0'
			for i := 0; i < 2 && len(b) > 0 && b[0] >= '0' && b[0] <= '7'; i++ {
				x, b = x<<3|(b[0]-'0'), b[1:]
			}
			dst = append(dst, x)
		case c == '\n':
		default:
			if j := bytes.IndexByte([]byte("\\'\"bftnrva"), c); j >= 0 {
				dst = append(dst, "\\'\"\b\f\t\n\r\v\a"[j])
			} else {
				dst = append(dst, '\\', c)
			}
		}
	}
	return dst, true
}

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// rawUnicode appends to dst the UTF-8 (surrogates as three bytes) of Python's raw-unicode-escape; false if an escape
// is wrong or beyond Unicode. A backslash that another precedes begins no escape.
func rawUnicode(dst, b []byte) ([]byte, bool) {
	for i := 0; i < len(b); {
		c := b[i]
		i++
		if c != '\\' || i == len(b) {
			dst = appendWTF8(dst, rune(c))
			continue
		}
		kind := b[i]
		i++
		digits := 4
		if kind == 'U' {
			digits = 8
		} else if kind != 'u' {
			dst = appendWTF8(append(dst, '\\'), rune(kind))
			continue
		}
		if len(b)-i < digits {
			return dst, false
		}
		x := uint32(0)
		for _, d := range b[i : i+digits] {
			if !isDigit(d, 16) {
				return dst, false
			}
			x = x<<4 | uint32(hexDigit(d))
		}
		i += digits
		if x > utf8.MaxRune {
			return dst, false
		}
		dst = appendWTF8(dst, rune(x))
	}
	return dst, true
}

// appendWTF8 is utf8.AppendRune with surrogates as three bytes.
func appendWTF8(dst []byte, r rune) []byte {
	if r >= 0xd800 && r <= 0xdfff {
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(dst, r)
}

// latin1 gives the UTF-8 of bytes that each stand for one character.
func latin1(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
