// Package codescan looks for code in strings that are meant to be plain metadata: scripts, Python that runs things,
// pickles in text or base64, and configuration that names a callable. It convicts only what has no place in a
// description, so that prompts, licences and training parameters pass.
package codescan

import (
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
)

// A Hit is one reason to call a string code.
type Hit struct {
	Offset int    // in the string
	What   string // "a script tag", "a pickle in base64", ...
}

type pattern struct {
	what string
	re   *regexp.Regexp
}

// patterns are compiled when the first text comes: most files have none, and every worker would pay for them. RE2 runs in
// linear time, whatever the text.
var patterns = sync.OnceValue(func() []pattern {
	return []pattern{
		{"a script tag", regexp.MustCompile(`(?i)<script[\s>/]`)},
		{"a javascript: address", regexp.MustCompile(`(?i)["'=(\s]javascript:[^\s]`)},
		{"an interpreter line", regexp.MustCompile(`(?:^|\n)#![ \t]*/`)},
		{"Python that imports by name", regexp.MustCompile(`__import__\s*\(|\bimportlib\s*\.\s*import_module\s*\(`)},
		{"Python that starts a program", regexp.MustCompile(
			`\bos\s*\.\s*(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?)\s*\(|\bsubprocess\s*\.\s*(?:Popen|call|run|check_call|check_output|getoutput)\s*\(|\bpty\s*\.\s*spawn\s*\(`)},
		{"Python that runs text", regexp.MustCompile(
			`\b(?:eval|exec)\s*\(\s*(?:compile|base64|bytes|open|input|requests|urllib|zlib|marshal|codecs|__|b?["'])`)},
		{"Python that loads a pickle", regexp.MustCompile(`\b(?:c?pickle|marshal|dill|joblib)\s*\.\s*loads?\s*\(`)},
		{"a hydra _target_", regexp.MustCompile(`["']?\b_target_["']?\s*[:=]`)},
		{"a YAML Python tag", regexp.MustCompile(`!!?python/|tag:yaml\.org,2002:python/`)},
		{"a pickle as text", regexp.MustCompile(`(?:^|[^\w])c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n[\s\S]{0,400}?[Rio(]`)},
	}
})

// encoded is a run that may be base64 of something with a signature; shorter ones hold no harm worth the name.
var encoded = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}={0,2}`) })

// maxEncoded bounds how many runs of one string are decoded.
const maxEncoded = 10_000

// Text returns what in s is code, at most one hit of a kind.
func Text(s string) []Hit {
	var hits []Hit
	for _, p := range patterns() {
		if at := p.re.FindStringIndex(s); at != nil {
			hits = append(hits, Hit{at[0], p.what})
		}
	}
	for _, at := range encoded().FindAllStringIndex(s, maxEncoded) {
		if what := decoded(s[at[0]:at[1]]); what != "" {
			return append(hits, Hit{at[0], what + " in base64"})
		}
	}
	return hits
}

// decoded says what executable thing the first bytes of base64 text are, "" for none.
func decoded(s string) string {
	s = strings.TrimRight(s, "=")
	head := strings.NewReplacer("-", "+", "_", "/").Replace(s[:min(len(s), 64)&^3])
	b := make([]byte, base64.RawStdEncoding.DecodedLen(len(head)))
	n, err := base64.RawStdEncoding.Decode(b, []byte(head))
	if err != nil {
		return ""
	}
	return Signature(b[:n])
}

// Signature names the executable thing whose first bytes are b, "" for none. Two-byte signatures are asked for more
// than their two bytes: words and random data begin that way too.
func Signature(b []byte) string {
	has := func(p string) bool { return strings.HasPrefix(string(b), p) }
	switch {
	case len(b) > 2 && b[0] == 0x80 && 2 <= b[1] && b[1] <= 5 && strings.IndexByte("\x95c}](q\x8cXKGUCN)", b[2]) >= 0:
		return "a pickle"
	case has("\x7fELF"):
		return "an ELF program"
	case has("PK\x03\x04"):
		return "a zip archive"
	case has("MZ\x90\x00") || has("MZ\x00\x00"):
		return "a Windows program"
	case has("#!/"):
		return "a script"
	case has("\xe3\x00\x00\x00\x00\x00\x00\x00"):
		return "marshalled Python code"
	case has("__import__(") || has("import os") || has("import subprocess") || has("exec(") || has("eval("):
		return "Python code"
	}
	return ""
}
