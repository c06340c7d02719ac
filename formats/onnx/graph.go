package onnx

import (
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/pbwire"
)

// Field numbers of GraphProto, NodeProto, AttributeProto and FunctionProto.
const (
	graphNode        = 1
	graphInitializer = 5
	graphDoc         = 10
	graphSparse      = 15
	graphMetadata    = 16

	nodeOp     = 4
	nodeAttr   = 5
	nodeDomain = 7

	attrTensor  = 5
	attrGraph   = 6
	attrTensors = 10
	attrGraphs  = 11
	attrSparse  = 22
	attrSparses = 23

	functionName   = 1
	functionNode   = 7
	functionDomain = 10
)

// maxFunctions bounds the model's own functions that are followed.
const maxFunctions = 10_000

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

var (
	// known are the operator sets that ONNX and ONNX Runtime bring along.
	known = words("ai.onnx ai.onnx.ml ai.onnx.training ai.onnx.preview ai.onnx.preview.training com.microsoft com.microsoft.nchwc " +
		"com.microsoft.experimental com.ms.internal.nhwc com.microsoft.dml org.pytorch.aten")
	// python are operators that run Python in whatever domain.
	python = words("PyOp PyCustomOpDef PythonOp PythonOpGrad ATenOp")
)

// declare notes a function that the model defines itself.
func (m *model) declare(s pbwire.Span) error {
	if len(m.local) >= maxFunctions {
		return &pbwire.Error{Offset: s.From, Msg: "more than 10000 functions", Limit: true}
	}
	key, err := m.functionKey(s)
	m.local[key] = true
	return err
}

func (m *model) functionKey(s pbwire.Span) (string, error) {
	var name, domain string
	err := m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
		case f.Num == functionName:
			name = m.r.Head(f.Span, maxName)
		case f.Num == functionDomain:
			domain = m.r.Head(f.Span, maxName)
		}
		return nil
	})
	return domain + ":" + name, err
}

func (m *model) function(s pbwire.Span) error {
	key, err := m.functionKey(s)
	if err != nil {
		return err
	}
	m.within = key
	err = m.each(s, functionNode, func(n pbwire.Span) error { return m.node(n, 0) })
	m.within = ""
	return err
}

// graph walks a graph; depth counts the graphs around it.
func (m *model) graph(s pbwire.Span, depth int) error {
	if depth > maxDepth {
		return &pbwire.Error{Offset: s.From, Msg: "graphs nested deeper than 30", Limit: true}
	}
	return m.r.Fields(s, func(f pbwire.Field) error {
		if m.c.Stopped() || !f.IsBytes() {
			return nil
		}
		switch f.Num {
		case graphNode:
			return m.node(f.Span, depth)
		case graphInitializer:
			return m.tensor(f.Span)
		case graphSparse:
			return m.sparse(f.Span)
		case graphDoc:
			return m.scan(f.Span, "graph.doc_string")
		case graphMetadata:
			return m.property(f.Span)
		}
		return nil
	})
}

func (m *model) node(s pbwire.Span, depth int) error {
	var op, domain string
	err := m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case !f.IsBytes():
		case f.Num == nodeOp:
			op = m.r.Head(f.Span, maxName)
		case f.Num == nodeDomain:
			domain = m.r.Head(f.Span, maxName)
		case f.Num == nodeAttr:
			return m.attribute(f.Span, depth)
		}
		return nil
	})
	if err == nil {
		m.operator(s, op, domain)
	}
	return err
}

// operator judges what a node runs.
func (m *model) operator(s pbwire.Span, op, domain string) {
	key := domain + ":" + op
	switch {
	case m.local[key]:
		if m.within != "" && !slices.Contains(m.calls[m.within], key) {
			m.calls[m.within] = append(m.calls[m.within], key)
		}
	case python[op]:
		m.add(formats.RuleGraphFileAccess, s, "the operator %.100q runs Python", key)
	case domain == "" || known[domain] || m.domains[domain]:
	default:
		m.domains[domain] = len(m.domains) < 100
		m.add(formats.RuleCustomOps, s, "the operator %.100q of the domain %.100q needs a library that defines it", op, domain)
	}
}

func (m *model) attribute(s pbwire.Span, depth int) error {
	return m.r.Fields(s, func(f pbwire.Field) error {
		if !f.IsBytes() {
			return nil
		}
		switch f.Num {
		case attrTensor, attrTensors:
			return m.tensor(f.Span)
		case attrSparse, attrSparses:
			return m.sparse(f.Span)
		case attrGraph, attrGraphs:
			m.c.Addf(formats.RuleONNXNested, m.s.Where, "control flow: graphs inside the graph")
			return m.graph(f.Span, depth+1)
		}
		return nil
	})
}

// recursion convicts functions that use themselves, by whatever way: readers that put them in place of their uses
// never end (GHSA-7w46-vvrh-m8q5).
func (m *model) recursion() {
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(key string, depth int) bool
	visit = func(key string, depth int) bool {
		if state[key] == open || depth > maxFunctions {
			return true
		}
		if state[key] == done {
			return false
		}
		state[key] = open
		if slices.ContainsFunc(m.calls[key], func(next string) bool { return visit(next, depth+1) }) {
			return true
		}
		state[key] = done
		return false
	}
	for key := range m.calls {
		if visit(key, 0) {
			m.c.Addf(formats.RuleFormatMalformed, m.s.Where, "functions of the model use one another in a circle")
			return
		}
	}
}
