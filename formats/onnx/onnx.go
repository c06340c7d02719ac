// Package onnx inspects ONNX models: what their tensors take from other files, which operators need foreign code, and
// what hides in their metadata.
//
// A model names files for its tensors' data, and the readers' checks of these names have been passed again and again
// (CVE-2022-25882, CVE-2024-27318, CVE-2026-27489, CVE-2026-34446, CVE-2026-34447): here a name must be a plain file
// name. Message and field numbers: onnx/onnx.proto of github.com/onnx/onnx.
package onnx

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"

	"trustfs/formats"
	"trustfs/formats/internal/codescan"
	"trustfs/formats/internal/jinja"
	"trustfs/formats/internal/pbwire"
)

const (
	modelIR        = 1
	modelDoc       = 6
	modelGraph     = 7
	modelMetadata  = 14
	modelTraining  = 20
	modelFunctions = 25
	highestField   = 26

	entryKey   = 1
	entryValue = 2

	// maxText bounds one string of the metadata, in bytes.
	maxText = 16 << 20
	maxName = 512
	// maxDepth bounds graphs inside graphs; control flow of real models nests a few deep.
	maxDepth = 30
)

// Inspector implements formats.Inspector.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatONNX }

var errFound = errors.New("found")

// Detect implements formats.Inspector. A model has no signature: it begins with its version, and its graph's first node
// has an operator. Under the name .onnx anything that begins as a message does is taken for a model.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool {
	r := pbwire.New(s.R, s.Size)
	whole := pbwire.Span{From: 0, End: s.Size}
	starts := false
	err := r.Fields(whole, func(f pbwire.Field) error {
		starts = f.Num == modelIR && !f.IsBytes() && f.Value > 0 && f.Value < 1000 || f.Num <= highestField && named(s)
		return errFound
	})
	if !starts || !errors.Is(err, errFound) {
		return false
	}
	if named(s) {
		return true
	}
	graph, ok := first(r, whole, modelGraph, highestField)
	if !ok {
		return false
	}
	node, ok := first(r, graph, graphNode, 16)
	if !ok {
		return false
	}
	op, ok := first(r, node, nodeOp, 9)
	return ok && op.Len() < 200 && opName().MatchString(r.Head(op, 200))
}

var opName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_]\w*$`)
})

func named(s *formats.Source) bool {
	for _, n := range s.Names {
		if strings.HasSuffix(strings.ToLower(n), ".onnx") {
			return true
		}
	}
	return false
}

// first returns the first field num of a message of which all fields before it have numbers up to highest.
func first(r *pbwire.Reader, s pbwire.Span, num, highest int) (span pbwire.Span, ok bool) {
	n := 0
	err := r.Fields(s, func(f pbwire.Field) error {
		if int(f.Num) == num && f.IsBytes() {
			span, ok = f.Span, true
			return errFound
		}
		if n++; int(f.Num) > highest || n > 10_000 {
			return io.EOF
		}
		return nil
	})
	return span, ok && errors.Is(err, errFound)
}

// Inspect implements formats.Inspector.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	m := &model{c: c, s: s, r: pbwire.New(s.R, s.Size), local: map[string]bool{}, domains: map[string]bool{}, calls: map[string][]string{}}
	whole := pbwire.Span{From: 0, End: s.Size}
	err := m.each(whole, modelFunctions, m.declare)
	if err == nil {
		err = m.r.Fields(whole, m.field)
	}
	m.recursion()
	pbwire.Explain(c, s, err)
}

// model is the state of one model's inspection.
type model struct {
	c       *formats.Context
	s       *formats.Source
	r       *pbwire.Reader
	local   map[string]bool     // domain and name of the model's own functions
	domains map[string]bool     // foreign domains that are reported already
	calls   map[string][]string // which of its own functions a function uses
	within  string              // the function being walked, "" in the graph
}

func (m *model) add(rule string, at pbwire.Span, format string, args ...any) {
	m.c.Addf(rule, m.s.At(at.From), format, args...)
}

// each calls visit for every message that is field num.
func (m *model) each(s pbwire.Span, num int, visit func(pbwire.Span) error) error {
	return m.r.Fields(s, func(f pbwire.Field) error {
		if m.c.Stopped() {
			return io.ErrClosedPipe
		}
		if int(f.Num) != num || !f.IsBytes() {
			return nil
		}
		return visit(f.Span)
	})
}

// field walks one field of the model.
func (m *model) field(f pbwire.Field) error {
	if !f.IsBytes() {
		return nil
	}
	switch f.Num {
	case modelGraph:
		return m.graph(f.Span, 0)
	case modelTraining: // initialization and algorithm are graphs
		return m.r.Fields(f.Span, func(t pbwire.Field) error {
			if t.IsBytes() && t.Num <= 2 {
				return m.graph(t.Span, 1)
			}
			return nil
		})
	case modelFunctions:
		return m.function(f.Span)
	case modelDoc:
		return m.scan(f.Span, "doc_string")
	case modelMetadata:
		return m.property(f.Span)
	}
	return nil
}

// property searches a key and value of the metadata for code.
func (m *model) property(s pbwire.Span) error {
	var key string
	return m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
		case f.Num == entryKey:
			key = m.r.Head(f.Span, maxName)
			return m.scan(f.Span, "metadata key")
		case f.Num == entryValue:
			return m.scan(f.Span, "metadata."+key)
		}
		return nil
	})
}

func (m *model) scan(s pbwire.Span, key string) error {
	b, err := m.r.Bytes(s, maxText)
	if err != nil {
		return err
	}
	for _, hit := range codescan.Text(string(b)) {
		m.c.Addf(formats.RuleONNXCode, m.s.Key(key), "%s at byte %d of the string", hit.What, hit.Offset)
	}
	for _, hit := range jinja.Scan(string(b)) {
		m.c.Addf(formats.RuleONNXCode, m.s.Key(key), "a template: %s", hit)
	}
	return nil
}
