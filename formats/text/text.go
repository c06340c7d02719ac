// Package text inspects documents: what people and loaders read as text (JSON, YAML, templates, scripts, prose), and
// images.
//
// Weights are no longer the only way in: a config.json can name code to fetch, a chat template can leave its engine, a
// YAML tag can call a function. A document is admitted unless a rule here convicts it. Which rules look at a document
// follows from its content first; a name adds rules, and never takes one away.
package text

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"trustfs/formats"
)

const (
	headSize = 8 << 10
	// maxTemplate bounds a template file read whole, in bytes.
	maxTemplate = 4 << 20
	// maxWide bounds text in UTF-16 or UTF-32, which is turned into UTF-8 whole, in bytes.
	maxWide = 16 << 20
	// controlShare is how many bytes of text one control character may stand for: vocabularies hold a few.
	controlShare = 256
)

// Inspector implements formats.Inspector for text of any kind.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatDocument }

// Detect accepts bytes whose head is text: no NUL, next to no control characters.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool {
	head := readHead(s)
	if len(head) == 0 {
		return false
	}
	if text, ok := wide(s, headSize); ok {
		head = text
	}
	var t tally
	t.add(head)
	return t.text()
}

func readHead(s *formats.Source) []byte {
	head := make([]byte, min(s.Size, headSize))
	n, err := s.R.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil
	}
	return head[:n]
}

// Inspect implements formats.Inspector. A file that is text only at its head is opaque, and so judged as a model.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	if text, ok := wide(s, maxWide); ok {
		if s.Size > maxWide {
			c.Exceeded(s.At(0), "a document of %d bytes in UTF-16 or UTF-32: at most %d are inspected", s.Size, int64(maxWide))
			return
		}
		inner := *s
		inner.R, inner.Size = bytes.NewReader(text), int64(len(text))
		s = &inner
	}
	if !wholeText(s) {
		c.SetFormat(s, formats.FormatOpaque)
	}
	head := readHead(s)
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(head, []byte("#!")) {
		c.SetFormat(s, formats.FormatCode)
	}
	switch {
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && !isBlock(trimmed):
		inspectJSON(c, s)
	case named(s, isYAML) || len(s.Names) == 0:
		inspectYAML(c, s)
	case bytes.HasPrefix(trimmed, []byte("<")):
		inspectXML(c, s, head)
	}
	if named(s, func(n string) bool { return strings.HasSuffix(n, ".pbtxt") }) {
		inspectGraph(c, s)
	}
	if named(s, isTemplate) || isBlock(trimmed) {
		inspectTemplate(c, s)
	} else if !c.Stopped() {
		inspectContent(c, s)
	}
}

// isBlock says whether text starts with a template's block.
func isBlock(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{{")) || bytes.HasPrefix(text, []byte("{%")) || bytes.HasPrefix(text, []byte("{#"))
}

// named says whether one of the names, in lower case and without folders, satisfies is.
func named(s *formats.Source, is func(string) bool) bool {
	for _, n := range s.Names {
		n = strings.ToLower(n[strings.LastIndexAny(n, `/\`)+1:])
		if is(n) {
			return true
		}
	}
	return false
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || name == "mlmodel"
}

func isTemplate(name string) bool {
	return strings.HasSuffix(name, ".jinja") || strings.HasSuffix(name, ".jinja2") || strings.HasSuffix(name, ".j2") ||
		strings.HasPrefix(name, "chat_template") && !strings.HasSuffix(name, ".json")
}

// A tally counts what tells text from other bytes.
type tally struct {
	total, controls int64
	invalid, nul    bool
	carry           []byte // a UTF-8 sequence that a chunk cut
}

func (t *tally) add(chunk []byte) {
	if t.nul = t.nul || bytes.IndexByte(chunk, 0) >= 0; t.nul {
		return // it is no text, whatever else there is
	}
	t.total += int64(len(chunk))
	for _, b := range chunk {
		if b < 0x20 && !('\b' <= b && b <= '\r') && b != 0x1b || b == 0x7f {
			t.controls++
		}
	}
	if len(t.carry) > 0 {
		chunk = append(t.carry, chunk...)
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(chunk); cut++ {
		if utf8.RuneStart(chunk[len(chunk)-1-cut]) {
			if tail := chunk[len(chunk)-1-cut:]; !utf8.FullRune(tail) {
				chunk, t.carry = chunk[:len(chunk)-1-cut], bytes.Clone(tail)
				t.invalid = t.invalid || !utf8.Valid(chunk)
				return
			}
			break
		}
	}
	t.carry = nil
	t.invalid = t.invalid || !utf8.Valid(chunk)
}

// text says whether what was counted is text: UTF-8 with few control characters, or another 8-bit encoding with none.
func (t *tally) text() bool {
	if t.nul || t.invalid && t.controls > 0 {
		return false
	}
	return t.controls <= 1+t.total/controlShare
}

// wholeText counts all of s.
func wholeText(s *formats.Source) bool {
	var t tally
	buf := make([]byte, 64<<10)
	for off := int64(0); off < s.Size; {
		n, err := s.R.ReadAt(buf[:min(int64(len(buf)), s.Size-off)], off)
		t.add(buf[:n])
		off += int64(n)
		if t.nul || err != nil && off < s.Size {
			return false
		}
	}
	return t.text()
}

// readAll returns the text if it has at most limit bytes.
func readAll(s *formats.Source, limit int64) ([]byte, bool) {
	if s.Size > limit {
		return nil, false
	}
	b := make([]byte, s.Size)
	n, err := s.R.ReadAt(b, 0)
	return b[:n], err == nil || err == io.EOF
}
