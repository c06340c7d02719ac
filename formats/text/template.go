package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"sync"

	"trustfs/formats"
	"trustfs/formats/internal/jinja"
	"trustfs/formats/tensorflow"
)

// inspectTemplate searches a file that is a template as a whole.
func inspectTemplate(c *formats.Context, s *formats.Source) {
	b, ok := readAll(s, maxTemplate)
	if !ok {
		c.Exceeded(s.At(0), "a template of %d bytes: at most %d are inspected", s.Size, int64(maxTemplate))
		return
	}
	template(c, s.Where, "chat_template_sha256", string(b))
}

// template searches the text of a template and records its digest as the fact, by which a policy can know it.
func template(c *formats.Context, where, fact, text string) {
	sum := sha256.Sum256([]byte(text))
	c.Fact(fact, hex.EncodeToString(sum[:]))
	for _, hit := range jinja.Scan(text) {
		c.Addf(formats.RuleTemplate, where, "%s", hit)
	}
}

// inspectGraph judges a TensorFlow graph in text form.
func inspectGraph(c *formats.Context, s *formats.Source) {
	b, ok := readAll(s, max(c.Budget.HeaderBytes, 0))
	if !ok {
		c.Exceeded(s.At(0), "a graph of %d bytes of text: at most %d are inspected", s.Size, c.Budget.HeaderBytes)
		return
	}
	tensorflow.InspectText(c, s, b)
}

var entity = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`<!ENTITY\s+(?:%\s+)?\S+\s+(?:SYSTEM|PUBLIC)\s`)
})

// inspectXML looks for entities that make a parser read another file or address. They can stand only in the document
// type before the first element.
func inspectXML(c *formats.Context, s *formats.Source, head []byte) {
	if !bytes.Contains(head, []byte("<!DOCTYPE")) {
		return
	}
	if at := entity().FindIndex(head); at != nil {
		c.Addf(formats.RuleGraphFileAccess, s.At(int64(at[0])), "an XML entity that reads another file or address")
	}
}
