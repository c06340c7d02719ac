package opcodes

import (
	"bytes"
	"strconv"
	"strings"
)

// parseInt decides what int(b, base) of CPython does, for bytes b and base 10 or 0, and gives the digits of a decimal
// number without sign "+", zeros in front or underscores; of other bases it gives the value if it has 64 bits, else
// "big". Source: Objects/longobject.c, PyLong_FromString.
func parseInt(b []byte, base int) (digits string, ok bool) {
	b = bytes.Trim(b, " \t\n\r\v\f")
	neg := false
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		neg = b[0] == '-'
		b = b[1:]
	}
	radix := 10
	if base == 0 && len(b) > 1 && b[0] == '0' {
		switch b[1] | 0x20 {
		case 'x':
			radix = 16
		case 'o':
			radix = 8
		case 'b':
			radix = 2
		}
		if radix != 10 {
			b = b[2:]
			if len(b) > 0 && b[0] == '_' {
				b = b[1:]
			}
		}
	}
	clean, ok := stripUnderscores(b, radix)
	if !ok {
		return "", false
	}
	trimmed := strings.TrimLeft(clean, "0")
	if base == 0 && radix == 10 && trimmed != "" && len(trimmed) != len(clean) {
		return "", false // 010 is Python 2's octal
	}
	if trimmed == "" {
		return "0", true
	}
	if radix != 10 {
		x, err := strconv.ParseUint(trimmed, radix, 64)
		trimmed = "big"
		if err == nil {
			trimmed = strconv.FormatUint(x, 10)
		}
	}
	if neg {
		trimmed = "-" + trimmed
	}
	return trimmed, true
}

// stripUnderscores takes single underscores between digits away; false if b is no run of digits.
func stripUnderscores(b []byte, radix int) (string, bool) {
	out := make([]byte, 0, len(b))
	last := byte('_')
	for _, c := range b {
		if c == '_' {
			if last == '_' {
				return "", false
			}
		} else if !isDigit(c, radix) {
			return "", false
		} else {
			out = append(out, c)
		}
		last = c
	}
	return string(out), last != '_'
}

func isDigit(c byte, radix int) bool {
	switch {
	case c >= '0' && c <= '9':
		return int(c-'0') < radix
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return radix == 16
	}
	return false
}

// strtol decides whether C's strtol(s, &end, 0) takes the whole of b for a number of 64 bits, as _pickle.c's INT asks
// first, and gives it in decimal. Leading zeros mean octal here.
func strtol(b []byte) (digits string, ok bool) {
	s := string(bytes.TrimLeft(b, " \t\n\r\v\f"))
	if s == "" {
		return "0", len(b) == 0
	}
	sign, rest := "", s
	if s[0] == '+' || s[0] == '-' {
		sign, rest = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	radix := 10
	if len(rest) > 1 && rest[0] == '0' {
		radix, rest = 8, rest[1:]
		if rest[0]|0x20 == 'x' {
			radix, rest = 16, rest[1:]
		}
	}
	if rest == "" || rest[0] == '+' || rest[0] == '-' {
		return "", false
	}
	x, err := strconv.ParseInt(sign+rest, radix, 64)
	if err != nil || strings.ContainsRune(rest, '_') {
		return "", false
	}
	return strconv.FormatInt(x, 10), true
}

// parseFloat decides what CPython's float(b) does with bytes.
func parseFloat(b []byte) bool {
	clean, ok := floatUnderscores(string(bytes.Trim(b, " \t\n\r\v\f")))
	return ok && strtod(clean) != floatBad
}

// floatUnderscores takes underscores away that stand between digits; false for others.
func floatUnderscores(s string) (string, bool) {
	if !strings.Contains(s, "_") {
		return s, true
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i+1 == len(s) || !isDigit(s[i-1], 10) || !isDigit(s[i+1], 10)) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

type floatClass uint8

const (
	floatBad floatClass = iota
	floatOK
	floatOverflow // C raises OverflowError, Python gives inf
)

// strtod classifies s as PyOS_string_to_double does: decimal, inf, infinity or nan, no spaces, no hexadecimal.
func strtod(s string) floatClass {
	body := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-"))
	if len(s)-len(body) > 1 || strings.HasPrefix(body, "+") || strings.HasPrefix(body, "-") {
		return floatBad
	}
	switch body {
	case "inf", "infinity", "nan":
		return floatOK
	}
	if strings.Trim(body, "0123456789.e+-") != "" {
		return floatBad
	}
	if _, err := strconv.ParseFloat(body, 64); err != nil {
		if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
			return floatOverflow
		}
		return floatBad
	}
	return floatOK
}
