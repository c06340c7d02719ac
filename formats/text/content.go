package text

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"trustfs/formats"
	"trustfs/formats/internal/jinja"
)

// inspectContent looks for what the text would do as a template or as YAML whatever its names say: a link, or a loader's
// setting, gives it another. Only what would run then convicts, not what is read from a document of that kind. Longer
// text than maxTemplate is no template and no configuration.
func inspectContent(c *formats.Context, s *formats.Source) {
	text, ok := readAll(s, maxTemplate)
	if !ok {
		return
	}
	for _, hit := range jinja.ScanText(string(text)) {
		c.Addf(formats.RuleTemplate, s.Where, "as a template: %s", hit)
	}
	tag := pythonTag().FindIndex(text)
	if tag == nil {
		tag = tagDirective().FindIndex(text)
	}
	if tag != nil && !named(s, isYAML) && tagsObject(text, tag[0]) {
		c.Addf(formats.RuleRemoteCode, s.At(int64(tag[0])), "as YAML: the tag %.80s constructs a Python object", text[tag[0]:tag[1]])
	}
}

// tagsObject says whether a YAML loader would meet a tag for a Python object in text; first is where the first that looks
// like one stands. A loader builds each document before it reads the next, so what breaks behind one does not matter.
func tagsObject(text []byte, first int) bool {
	if len(text) > maxYAML {
		begin := bytes.LastIndexByte(text[:first], '\n') + 1
		return len(bytes.Trim(text[begin:first], " \t-?")) == 0 || bytes.HasSuffix(bytes.TrimRight(text[begin:first], " \t"), []byte(":"))
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			return false
		}
		if tagged(n.Content) {
			return true
		}
	}
}
