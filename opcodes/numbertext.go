package opcodes

import "bytes"

// intReadings says who takes the text of an INT for a number. C tries strtol and then what LONG does, up to a NUL;
// Python 3 has int(text, 0); Python 2 int(text) or long(text).
func intReadings(b []byte) (ok Readings) {
	c, _, nul := bytes.Cut(b, []byte{0})
	if _, good := parseInt(b, 0); good {
		ok |= pure3
	}
	if parseLong2(b, 10) {
		ok |= Py2
	}
	if len(b) == 0 {
		return ok
	}
	_, short := strtol(c)
	if _, good := parseInt(c, 0); good || short {
		ok |= C3 | CFile
	}
	if short && !nul || parseLong2(c, 0) {
		ok |= C2
	}
	return ok
}

// longReadings says the same of LONG, where an L at the end is optional in Python 3.
func longReadings(b []byte) (ok Readings) {
	digits := bytes.TrimSuffix(b, []byte("L"))
	c, _, _ := bytes.Cut(digits, []byte{0})
	if _, good := parseInt(digits, 0); good {
		ok |= pure3
	}
	if _, good := parseInt(c, 0); good {
		ok |= C3 | CFile
	}
	if parseLong2(b, 0) {
		ok |= Py2
	}
	if c, _, _ := bytes.Cut(b, []byte{0}); parseLong2(c, 0) {
		ok |= C2
	}
	return ok
}

// floatReadings says the same of FLOAT. C takes neither spaces nor underscores, stops at a NUL, and refuses what is too
// large; Python 2 has no underscores.
func floatReadings(b []byte) (ok Readings) {
	c, _, nul := bytes.Cut(b, []byte{0})
	if strtod(string(c)) == floatOK {
		ok |= C3 | CFile
		if !nul {
			ok |= C2
		}
	}
	if parseFloat(b) {
		ok |= pure3
		if !bytes.ContainsRune(b, '_') {
			ok |= Py2
		}
	}
	return ok
}

// parseLong2 decides what Python 2.7's long(b, base) does, for base 10 or 0: a leading 0 means octal, an L may end it.
func parseLong2(b []byte, base int) bool {
	b = bytes.Trim(b, " \t\n\r\v\f")
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	if n := len(b); n > 0 && b[n-1]|0x20 == 'l' {
		b = b[:n-1]
	}
	radix := 10
	if base == 0 && len(b) > 1 && b[0] == '0' {
		radix = 8
		switch b[1] | 0x20 {
		case 'x':
			radix, b = 16, b[2:]
		case 'o':
			b = b[2:]
		case 'b':
			radix, b = 2, b[2:]
		}
	}
	for _, c := range b {
		if !isDigit(c, radix) {
			return false
		}
	}
	return len(b) > 0
}
