package checksum

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"trustfs/integrity"
)

// Bounds of one list.
const (
	MaxBytes = 64 << 20 // what a caller may read: a million lines
	MaxLines = 1 << 20
	maxBad   = 100 // lines reported one by one; the rest is counted
)

// A BadLine is a line that is none of the known forms.
type BadLine struct {
	Line int // from 1
	Why  string
}

// A List maps names, relative to the list's folder, to the digests listed for them.
type List struct {
	entries map[string][]integrity.Digest
	other   map[string]string // names with an entry of another algorithm: which
	Bad     []BadLine
	BadMore int // lines beyond maxBad
}

// Len is the number of names that have a SHA-256.
func (l *List) Len() int { return len(l.entries) }

// Parse reads a list. Known lines:
//
//	<digest> <name>      one space, as a plain checksums.txt has it
//	<digest>  <name>     sha256sum, text mode
//	<digest> *<name>     sha256sum, binary mode
//	\<digest>  <na\nme>  sha256sum, a name with newline, carriage return or backslash
//	SHA256 (<name>) = <digest>    BSD; also as "SHA256(<name>)= ", as openssl dgst writes it
//	<digest>             alone: of the file named self, when self is not empty
//
// Empty lines and lines that start with "#" are nothing. Digests may be in either case. Lines with a digest of another
// length (MD5, SHA-1, SHA-512, ...) are remembered as of another algorithm.
func Parse(data []byte, self string) *List {
	l := &List{entries: map[string][]integrity.Digest{}, other: map[string]string{}}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // written by Windows tools
	for n := 1; len(data) > 0; n++ {
		if n > MaxLines {
			l.bad(n, fmt.Sprintf("more than %d lines", MaxLines))
			break
		}
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		l.line(n, strings.TrimSuffix(string(line), "\r"), self)
	}
	return l
}

func (l *List) bad(n int, why string) {
	if len(l.Bad) < maxBad {
		l.Bad = append(l.Bad, BadLine{n, why})
		return
	}
	l.BadMore++
}

func (l *List) line(n int, line, self string) {
	if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
		return
	}
	sum, name, ok := splitGNU(line, self)
	if !ok {
		sum, name, ok = splitBSD(line)
	}
	if !ok {
		l.bad(n, "not of the form: digest, space, name")
		return
	}
	clean := path.Clean(name)
	if strings.IndexByte(name, 0) >= 0 || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") {
		l.bad(n, "the name leads out of the list's folder")
		return
	}
	if alg := otherAlgorithm(sum); alg != "" {
		l.other[clean] = alg
		return
	}
	d, err := integrity.ParseDigest(sum)
	if err != nil {
		l.bad(n, "the digest is not 64 hexadecimal digits")
		return
	}
	l.entries[clean] = append(l.entries[clean], d)
}

// splitGNU takes the coreutils forms, the plain one, and a digest alone.
func splitGNU(line, self string) (sum, name string, ok bool) {
	escaped := strings.HasPrefix(line, `\`)
	sum, name, found := strings.Cut(strings.TrimLeft(strings.TrimPrefix(line, `\`), " \t"), " ")
	if before, after, tab := strings.Cut(sum, "\t"); tab && !found { // "digest<TAB>name"
		sum, name, found = before, after, true
	}
	if !isHex(sum) {
		return "", "", false
	}
	if !found || strings.TrimSpace(name) == "" {
		return sum, self, self != ""
	}
	// Of the two characters between digest and name coreutils gives the second a meaning: space or asterisk. A plain list
	// has one space only, so a name may begin right away.
	if name[0] == ' ' || name[0] == '*' {
		name = name[1:]
	}
	if escaped {
		if name, ok = unescape(name); !ok {
			return "", "", false
		}
	}
	return sum, name, name != ""
}

// splitBSD takes "SHA256 (name) = digest". The name may hold parentheses: the last ")" counts.
func splitBSD(line string) (sum, name string, ok bool) {
	alg, rest, found := strings.Cut(line, "(")
	end := strings.LastIndex(rest, ")")
	if !found || end < 0 {
		return "", "", false
	}
	switch strings.ToUpper(strings.TrimSpace(alg)) {
	case "SHA256", "SHA2-256", "SHA512", "SHA1", "MD5", "SHA384", "SHA224", "SHA2-512":
	default:
		return "", "", false
	}
	sum, found = strings.CutPrefix(strings.TrimSpace(rest[end+1:]), "=")
	sum = strings.TrimSpace(sum)
	return sum, rest[:end], found && isHex(sum) && end > 0
}

// unescape undoes coreutils' \n, \r and \\.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", false
		}
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '\\':
			b.WriteByte('\\')
		default:
			return "", false
		}
	}
	return b.String(), true
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s != ""
}

func otherAlgorithm(sum string) string {
	return map[int]string{32: "MD5", 40: "SHA-1", 56: "SHA-224", 96: "SHA-384", 128: "SHA-512"}[len(sum)]
}
