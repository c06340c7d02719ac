// Package tensorflow inspects SavedModels (saved_model.pb, keras_metadata.pb), frozen graphs and TensorFlow Lite models.
//
// A graph is a program: beside arithmetic it has operators that run Python, read and write files and open connections, and
// they run when the model is loaded or called. They hide in function libraries and in graphs that are stored as
// strings inside the graph, so all of these are walked. What a graph computes is not judged.
package tensorflow

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"trustfs/formats"
	"trustfs/formats/internal/pbwire"
)

// maxGraphs bounds how deep graphs nest in strings of graphs.
const maxGraphs = 8

// Field numbers of the messages walked here: tensorflow/core/protobuf/{saved_model,meta_graph,saved_object_graph}.proto,
// tensorflow/core/framework/{graph,node_def,function,attr_value,tensor}.proto.
const (
	savedModelMeta   = 2
	metaGraph        = 2
	metaAssets       = 6
	metaObjects      = 7
	graphNode        = 1
	graphLibrary     = 2
	libraryFunction  = 1
	functionNode     = 3
	assetFilename    = 2
	objectsNode      = 1
	objectUser       = 4
	userMetadata     = 3
	kerasNodes       = 1
	kerasNodeMeta    = 5
	kerasNodeIdent   = 4
	nodeName         = 1
	nodeOp           = 2
	nodeInput        = 3
	nodeAttr         = 5
	attrKey          = 1
	attrValue        = 2
	valueString      = 2
	valueTensor      = 8
	tensorStringVals = 8
)

// Inspector implements formats.Inspector for the protocol buffers of TensorFlow.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatSavedModel }

// kind is which message a file is.
type kind int

const (
	none kind = iota
	savedModel
	graphDef
	kerasMetadata
)

// Detect implements formats.Inspector. These files have no signature: their structure is walked down to the first
// operator. Under their own names they are taken for what the name says.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool { return kindOf(s) != none }

func kindOf(s *formats.Source) kind {
	if s.Size == 0 {
		return none
	}
	r := pbwire.New(s.R, s.Size)
	whole := pbwire.Span{From: 0, End: s.Size}
	switch {
	case isSavedModel(r, whole), named(s, "saved_model.pb"):
		return savedModel
	case isGraph(r, whole):
		return graphDef
	case isKerasMetadata(r, whole), named(s, "keras_metadata.pb"):
		return kerasMetadata
	}
	return none
}

func named(s *formats.Source, want string) bool {
	for _, n := range s.Names {
		if strings.EqualFold(n[strings.LastIndexAny(n, `/\`)+1:], want) {
			return true
		}
	}
	return false
}

// errFound ends a walk early.
var errFound = errors.New("found")

// first returns the first field num of a message of which all fields before it have numbers up to highest.
func first(r *pbwire.Reader, s pbwire.Span, num, highest int) (span pbwire.Span, ok bool) {
	n := 0
	err := r.Fields(s, func(f pbwire.Field) error {
		if int(f.Num) == num && f.IsBytes() {
			span, ok = f.Span, true
			return errFound
		}
		if n++; int(f.Num) > highest || n > 64 {
			return io.EOF
		}
		return nil
	})
	return span, ok && errors.Is(err, errFound)
}

func isSavedModel(r *pbwire.Reader, s pbwire.Span) bool {
	meta, ok := first(r, s, savedModelMeta, 2)
	if !ok {
		return false
	}
	graph, ok := first(r, meta, metaGraph, 7)
	return ok && isGraph(r, graph)
}

var opName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_>./\-]*$`)
})

// isGraph says whether the first thing in a message is a node with a name and an operator, or a library of functions
// with such nodes.
func isGraph(r *pbwire.Reader, s pbwire.Span) bool {
	if node, ok := first(r, s, graphNode, 5); ok && isNode(r, node) {
		return true
	}
	library, ok := first(r, s, graphLibrary, 5)
	if !ok {
		return false
	}
	function, ok := first(r, library, libraryFunction, 2)
	if !ok {
		return false
	}
	node, ok := first(r, function, functionNode, 10)
	return ok && isNode(r, node)
}

func isNode(r *pbwire.Reader, s pbwire.Span) bool {
	name, ok := first(r, s, nodeName, 7)
	op, hasOp := first(r, s, nodeOp, 7)
	return ok && hasOp && name.Len() > 0 && name.Len() < 4096 && op.Len() < 200 && opName().MatchString(r.Head(op, 200))
}

func isKerasMetadata(r *pbwire.Reader, s pbwire.Span) bool {
	node, ok := first(r, s, kerasNodes, 1)
	if !ok {
		return false
	}
	ident, ok := first(r, node, kerasNodeIdent, 6)
	return ok && strings.HasPrefix(r.Head(ident, 40), "_tf_keras_")
}

// Inspect implements formats.Inspector.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	m := &model{c: c, s: s, r: pbwire.New(s.R, s.Size)}
	whole := pbwire.Span{From: 0, End: s.Size}
	var err error
	switch kindOf(s) {
	case savedModel:
		err = m.each(whole, savedModelMeta, m.metaGraph)
	case graphDef:
		err = m.graph(whole, 0)
	case kerasMetadata:
		err = m.each(whole, kerasNodes, func(node pbwire.Span) error { return m.each(node, kerasNodeMeta, m.metadata) })
	}
	pbwire.Explain(c, s, err)
}

// model is the state of one file's inspection.
type model struct {
	c     *formats.Context
	s     *formats.Source
	r     *pbwire.Reader
	nodes int64
}

// each calls visit for every field num of a message.
func (m *model) each(s pbwire.Span, num int, visit func(pbwire.Span) error) error {
	return m.r.Fields(s, func(f pbwire.Field) error {
		if m.c.Stopped() {
			return io.ErrClosedPipe
		}
		if int(f.Num) != num {
			return nil
		}
		if !f.IsBytes() {
			return &pbwire.Error{Offset: f.From, Msg: fmt.Sprintf("field %d is a number where a message is expected", num)}
		}
		return visit(f.Span)
	})
}

func (m *model) metaGraph(s pbwire.Span) error {
	return m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
			return nil
		case f.Num == metaGraph:
			return m.graph(f.Span, 0)
		case f.Num == metaAssets:
			return m.each(f.Span, assetFilename, m.asset)
		case f.Num == metaObjects:
			return m.each(f.Span, objectsNode, func(o pbwire.Span) error {
				return m.each(o, objectUser, func(u pbwire.Span) error { return m.each(u, userMetadata, m.metadata) })
			})
		}
		return nil
	})
}

// asset judges the name of a file in the model's assets folder.
func (m *model) asset(s pbwire.Span) error {
	if name := m.r.Head(s, 1000); leavesFolder(name) {
		m.c.Addf(formats.RuleGraphFileAccess, m.s.At(s.From), "the asset %.200q lies outside the model's folder", name)
	}
	return nil
}
