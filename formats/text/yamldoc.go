package text

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"trustfs/formats"
)

// maxYAML bounds a YAML document that is parsed into nodes, in bytes: a node takes a hundred times a short line.
const maxYAML = 512 << 10

// pythonTag finds tags that make Python's YAML loaders construct objects, with the percent escapes that tags allow.
var pythonTag = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`!(?:<tag:yaml\.org,2002:|!)?(?i:p|%70)(?i:y|%79)(?i:t|%74)(?i:h|%68)(?i:o|%6f)(?i:n|%6e)/\S*`)
})

// tagDirective finds what gives tags other spellings.
var tagDirective = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^%TAG[ \t]`)
})

// inspectYAML holds a YAML document against the rules: its lines first, since loaders differ in what they accept, then
// the parsed nodes.
func inspectYAML(c *formats.Context, s *formats.Source) {
	text, ok := readAll(s, max(c.Budget.HeaderBytes, 0))
	if !ok {
		if named(s, isYAML) {
			c.Exceeded(s.At(0), "a YAML document of %d bytes: at most %d are inspected", s.Size, c.Budget.HeaderBytes)
		}
		return
	}
	isYAMLName := named(s, isYAML)
	nodes := parseYAML(text)
	if !isYAMLName && len(nodes) == 0 {
		return // prose
	}
	for _, at := range pythonTag().FindAllIndex(text, 20) {
		if isYAMLName || tagged(nodes) {
			c.Addf(formats.RuleRemoteCode, s.At(int64(at[0])), "the YAML tag %.80s constructs a Python object", text[at[0]:at[1]])
		}
	}
	if at := tagDirective().FindIndex(text); at != nil && len(nodes) == 0 {
		c.Addf(formats.RuleRemoteCode, s.At(int64(at[0])), "a %%TAG directive, which can spell the tag of a Python object in any way, in YAML that is too long to be parsed, or broken")
	}
	r := &rules{c: c, s: s}
	for _, n := range nodes {
		r.node(n, nil, 0)
	}
	if len(nodes) == 0 {
		r.lines(text)
	}
}

// parseYAML returns the documents that are mappings or lists; nil where one does not parse or the text is too long.
func parseYAML(text []byte) []*yaml.Node {
	if len(text) > maxYAML {
		return nil
	}
	var nodes []*yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if err == io.EOF {
			return nodes
		}
		if err != nil {
			return nil
		}
		if len(n.Content) == 1 && n.Content[0].Kind != yaml.ScalarNode {
			nodes = append(nodes, n.Content[0])
		}
	}
}

// tagged says whether a node, or one inside it, has a tag for a Python object. The decoder has bounded how deep they nest.
func tagged(nodes []*yaml.Node) bool {
	for _, n := range nodes {
		if strings.Contains(n.Tag, "python") || tagged(n.Content) {
			return true
		}
	}
	return false
}

// steps is a path of keys in a YAML document.
type steps []string

func (p steps) Key(up int) string {
	if i := len(p) - 1 - up; i >= 0 {
		return p[i]
	}
	return ""
}
func (p steps) NearestKey() string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != "" {
			return p[i]
		}
	}
	return ""
}
func (p steps) Index(int) int  { return -1 }
func (p steps) Len() int       { return len(p) }
func (p steps) String() string { return strings.Join(p, ".") }

// node holds a node and what it contains against the rules; aliases are passed over, since their anchors are visited.
func (r *rules) node(n *yaml.Node, p steps, depth int) {
	if depth > 200 {
		r.c.Exceeded(r.s.Key(p.String()), "YAML nested deeper than 200")
		return
	}
	if strings.Contains(n.Tag, "python") {
		r.c.Addf(formats.RuleRemoteCode, r.s.Key(p.String()), "the YAML tag %.80s constructs a Python object", n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := append(p[:len(p):len(p)], n.Content[i].Value)
			r.key(value{at: at, text: n.Content[i].Value})
			if k := n.Content[i]; k.Kind != yaml.ScalarNode || tagged([]*yaml.Node{k}) {
				r.node(k, at, depth+1)
			}
			r.node(n.Content[i+1], at, depth+1)
		}
	case yaml.SequenceNode:
		for _, m := range n.Content {
			r.node(m, append(p[:len(p):len(p)], ""), depth+1)
		}
	case yaml.ScalarNode:
		r.value(value{at: p, text: n.Value, isText: true, isTrue: n.Style&quoted != 0 && n.Value != "" || n.Style&quoted == 0 && isTrue(n.Value)})
	}
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// falseWords are the plain scalars that YAML 1.1, as Python's loaders read it, takes for what is false to Python.
var falseWords = words("false no off null ~ 0 0.0 +0 -0 0x0 0b0 .0 0.")

func isTrue(plain string) bool {
	return plain != "" && !falseWords[strings.ToLower(plain)]
}

// line is a key and a value on one line, as YAML and many configuration languages write it.
var line = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t\-{]*["']?([\w./]+)["']?[ \t]*:[ \t]*(.*)$`)
})

// lines holds what looks like keys and values against the rules, for text that does not parse.
func (r *rules) lines(text []byte) {
	for _, m := range line().FindAllSubmatch(text, 100_000) {
		v := strings.Trim(string(m[2]), " \t\r\"',")
		at := steps{string(m[1])}
		r.key(value{at: at, text: string(m[1])})
		r.value(value{at: at, text: v, isText: true, isTrue: isTrue(v)})
	}
}
