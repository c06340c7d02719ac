package tensorflow

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/pbwire"
	"trustfs/formats/keras"
)

const (
	// maxNamed bounds the nodes of one graph that are kept to follow file names.
	maxNamed = 100_000
	// maxMetadata bounds one object's metadata, in bytes.
	maxMetadata = 16 << 20
	// maxSteps bounds how far one file name is followed.
	maxSteps = 200
	maxName  = 512
)

// node is what is kept of a node.
type node struct {
	op     string
	inputs []string
	text   string // a constant's string that would leave the model's folder
	at     int64
}

// graph walks a GraphDef: its nodes, and the functions of its library.
func (m *model) graph(s pbwire.Span, depth int) error {
	if depth > maxGraphs {
		m.c.Exceeded(m.s.At(s.From), "graphs nested deeper than %d", maxGraphs)
		return io.ErrClosedPipe
	}
	g := &graph{m: m, depth: depth, named: map[string]node{}}
	err := m.each(s, graphNode, g.node)
	if err == nil {
		g.checkpoints()
		err = m.each(s, graphLibrary, func(library pbwire.Span) error {
			return m.each(library, libraryFunction, func(fn pbwire.Span) error {
				g := &graph{m: m, depth: depth, named: map[string]node{}}
				if err := m.each(fn, functionNode, g.node); err != nil {
					return err
				}
				g.checkpoints()
				return nil
			})
		})
	}
	return err
}

// graph is the state of the walk over one graph's or function's nodes.
type graph struct {
	m     *model
	depth int
	named map[string]node // the nodes that file names come through
	files []node          // the nodes that read or write checkpoints
}

// node judges one node by its operator and what its attributes hold.
func (g *graph) node(s pbwire.Span) error {
	n := node{at: s.From}
	var name, stream string
	g.m.nodes++
	err := g.m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
		case f.Num == nodeName:
			name = g.m.r.Head(f.Span, maxName)
		case f.Num == nodeOp:
			n.op = g.m.r.Head(f.Span, maxName)
		case f.Num == nodeInput && len(n.inputs) < 64:
			n.inputs = append(n.inputs, g.m.r.Head(f.Span, maxName))
		case f.Num == nodeAttr:
			key, text, err := g.attr(f.Span)
			if key == "output_stream" {
				stream = text
			}
			if leavesFolder(text) && n.text == "" {
				n.text = text
			}
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.judge(name, stream, n)
	return nil
}

func (g *graph) judge(name, stream string, n node) {
	add := func(rule, format string, args ...any) {
		g.m.c.Addf(rule, g.m.s.At(n.at), "node %.100q: %s", name, fmt.Sprintf(format, args...))
	}
	switch what, known := fileOps[n.op]; {
	case known:
		add(formats.RuleGraphFileAccess, "%s %s", n.op, what)
	case n.op == "PrintV2" && strings.Contains(stream, "://"):
		add(formats.RuleGraphFileAccess, "PrintV2 writes to %.200q", stream)
	case checkpointOps[n.op]:
		g.files = append(g.files, n)
	case engineOps[n.op]:
		add(formats.RuleNativeCode, "%s holds a compiled engine", n.op)
	case strings.Contains(n.op, ">"):
		add(formats.RuleCustomOps, "%s needs the library that defines it", n.op)
	}
	if nameOps[n.op] && len(g.named) < maxNamed {
		g.named[name] = n
	}
}

// attr looks into an attribute: string values and string tensors may be graphs themselves. It returns the key and the
// last short string.
func (g *graph) attr(s pbwire.Span) (key, text string, err error) {
	err = g.m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
		case f.Num == attrKey:
			key = g.m.r.Head(f.Span, maxName)
		case f.Num == attrValue:
			return g.m.r.Fields(f.Span, func(v pbwire.Field) error {
				switch {
				case !v.IsBytes():
				case v.Num == valueString:
					text = g.m.r.Head(v.Span, maxName)
					return g.nested(v.Span)
				case v.Num == valueTensor:
					return g.m.each(v.Span, tensorStringVals, func(b pbwire.Span) error {
						if t := g.m.r.Head(b, maxName); text == "" || leavesFolder(t) {
							text = t
						}
						return g.nested(b)
					})
				}
				return nil
			})
		}
		return nil
	})
	return key, text, err
}

// nested walks a string that is a graph itself, as dataset operators run them.
func (g *graph) nested(s pbwire.Span) error {
	if s.Len() < 8 || !isGraph(g.m.r, s) {
		return nil
	}
	return g.m.graph(s, g.depth+1)
}

// checkpoints follows the file names of checkpoint operators to constants that leave the model's folder.
func (g *graph) checkpoints() {
	for _, n := range g.files {
		names := 1 // the first input is the file's name, of a merge both are
		if n.op == "MergeV2Checkpoints" {
			names = 2
		}
		todo, seen := slices.Clone(n.inputs[:min(len(n.inputs), names)]), map[string]bool{}
		for len(todo) > 0 && len(seen) < maxSteps {
			name, _, _ := strings.Cut(strings.TrimPrefix(todo[0], "^"), ":")
			todo = todo[1:]
			from, ok := g.named[name]
			if !ok || seen[name] {
				continue
			}
			seen[name] = true
			if from.op == "Const" && from.text != "" {
				g.m.c.Addf(formats.RuleGraphFileAccess, g.m.s.At(n.at), "%s uses the file %.200q, which the graph names", n.op, from.text)
			}
			todo = append(todo, from.inputs...)
		}
	}
}

// metadata judges the JSON that Keras stores with an object of a SavedModel.
func (m *model) metadata(s pbwire.Span) error {
	b, err := m.r.Bytes(s, maxMetadata)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		keras.InspectConfig(m.c, m.s.At(s.From), bytes.NewReader(b))
	}
	return nil
}
