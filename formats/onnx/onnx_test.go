package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
	"trustfs/formats/internal/pbwire"
)

type msg = pbwire.Message

func node(op, domain string, attrs ...msg) msg {
	n := msg{}.String(1, "x").String(2, "y").String(nodeOp, op)
	for _, a := range attrs {
		n = n.Bytes(nodeAttr, a)
	}
	return n.String(nodeDomain, domain)
}

func model1(graph msg, more ...func(msg) msg) []byte {
	b := msg{}.Varint(modelIR, 8).String(2, "test").Bytes(modelGraph, graph)
	for _, f := range more {
		b = f(b)
	}
	return b
}

func graph(nodes ...msg) msg {
	g := msg{}
	for _, n := range append([]msg{node("Relu", "")}, nodes...) {
		g = g.Bytes(graphNode, n)
	}
	return g.String(2, "g")
}

func tensor(kind uint64, raw int, dims ...uint64) msg {
	t := msg{}
	for _, d := range dims {
		t = t.Varint(tensorDims, d)
	}
	return t.Varint(tensorType, kind).String(tensorName, "w").Bytes(tensorRaw, make([]byte, raw))
}

func external(pairs ...string) msg {
	t := msg{}.Varint(tensorDims, 4).Varint(tensorType, 1).String(tensorName, "w")
	for i := 0; i < len(pairs); i += 2 {
		t = t.Bytes(tensorExternal, msg{}.String(entryKey, pairs[i]).String(entryValue, pairs[i+1]))
	}
	return t.Varint(tensorDataLocation, 1)
}

func with(t msg) []byte { return model1(graph().Bytes(graphInitializer, t)) }

func fn(name string, calls ...string) func(msg) msg {
	return func(m msg) msg {
		f := msg{}.String(functionName, name)
		for _, c := range calls {
			f = f.Bytes(functionNode, node(c, "own"))
		}
		return m.Bytes(modelFunctions, f.String(functionDomain, "own"))
	}
}

func metadata(key, value string) func(msg) msg {
	return func(m msg) msg {
		return m.Bytes(modelMetadata, msg{}.String(entryKey, key).String(entryValue, value))
	}
}

func TestModels(t *testing.T) {
	const (
		bad    = formats.RuleFormatMalformed
		ext    = formats.RuleExternalData
		custom = formats.RuleCustomOps
		nested = formats.RuleONNXNested
	)
	packed := msg{}.Bytes(tensorDims, []byte{2, 3}).Varint(tensorType, 1).Bytes(tensorRaw, make([]byte, 24))
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"plain":         {model1(graph()), ""},
		"known domains": {model1(graph(node("Gelu", "com.microsoft"), node("Scaler", "ai.onnx.ml"))), ""},
		"tensor":        {with(tensor(1, 24, 2, 3)), ""},
		"packed dims":   {with(packed), ""},
		"four bits":     {with(tensor(22, 2, 3)), ""},
		"scalar":        {with(tensor(7, 8)), ""},
		"own function":  {model1(graph(node("F", "own")), fn("F", "G"), fn("G")), ""},
		"metadata":      {model1(graph(), metadata("author", "me")), ""},
		"external":      {with(external("location", "model.onnx_data", "offset", "0", "length", "16", "checksum", "x")), ""},
		"custom":        {model1(graph(node("X", "com.example"))), custom},
		"python":        {model1(graph(node("PyOp", "com.example"))), formats.RuleGraphFileAccess},
		"in function": {model1(graph(), func(m msg) msg {
			return m.Bytes(modelFunctions, msg{}.String(functionName, "f").Bytes(functionNode, node("X", "evil")))
		}), custom},
		"nested":       {model1(graph(node("If", "", msg{}.String(1, "then").Bytes(attrGraph, graph(node("X", "evil")))))), custom + " " + nested},
		"training":     {model1(graph(), func(m msg) msg { return m.Bytes(modelTraining, msg{}.Bytes(1, graph(node("X", "evil")))) }), custom},
		"circle":       {model1(graph(), fn("F", "G"), fn("G", "F")), bad},
		"itself":       {model1(graph(), fn("F", "F")), bad},
		"code":         {model1(graph(), metadata("a", "__import__('os')")), formats.RuleONNXCode},
		"template":     {model1(graph(), metadata("a", "{{ x.__class__ }}")), formats.RuleONNXCode},
		"doc":          {model1(graph(), func(m msg) msg { return m.String(modelDoc, "<script>x</script>") }), formats.RuleONNXCode},
		"too little":   {with(tensor(1, 23, 2, 3)), bad},
		"overflow":     {with(tensor(1, 0, 1<<32, 1<<32)), bad},
		"negative":     {with(tensor(1, 0, 1<<63)), bad},
		"unknown type": {with(tensor(99, 0)), formats.RuleDtypeUnsafe},
		"absolute":     {with(external("location", "/etc/passwd")), ext},
		"up":           {with(external("location", "../x")), ext},
		"hidden up":    {with(external("location", "a/../../x")), ext},
		"backslash":    {with(external("location", `..\x`)), ext},
		"drive":        {with(external("location", "c:x")), ext},
		"folder":       {with(external("location", "a/x")), ext},
		"unknown key":  {with(external("location", "x", "basepath", "/")), ext},
		"key twice":    {with(external("location", "x", "location", "y")), ext},
		"no location":  {with(external("offset", "0")), ext},
		"bad offset":   {with(external("location", "x", "offset", "-1")), ext},
		"hex offset":   {with(external("location", "x", "offset", "0x10")), ext},
		"attribute":    {model1(graph(node("Constant", "", msg{}.Bytes(attrTensor, external("location", "/x"))))), ext},
		"sparse":       {model1(graph().Bytes(graphSparse, msg{}.Bytes(sparseValues, external("location", "/x")))), ext},
		"cut":          {model1(graph())[:12], bad},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { inspecttest.Expect(t, Inspector{}, tt.b, tt.want, "x.onnx") })
	}
	deep := graph()
	for range maxDepth + 1 {
		deep = graph(node("If", "", msg{}.Bytes(attrGraph, deep)))
	}
	inspecttest.Expect(t, Inspector{}, model1(deep), formats.RuleLimitExceeded+" "+nested)
}

func TestDetect(t *testing.T) {
	if _, ok := inspecttest.Run(Inspector{}, model1(graph()), "blob"); !ok {
		t.Error("a model without its name is not detected")
	}
	for _, b := range []string{"", "text", "\x80\x04\x95", "\x00\x00\x00", "\x08\x07"} {
		if _, ok := inspecttest.Run(Inspector{}, []byte(b), "blob"); ok {
			t.Errorf("%q is detected", b)
		}
	}
}

func TestMutations(t *testing.T) {
	inspecttest.Mutations(t, Inspector{}, model1(graph(node("If", "", msg{}.Bytes(attrGraph, graph()))).Bytes(graphInitializer, tensor(1, 24, 2, 3)), fn("F", "G"), metadata("a", "b")), "x.onnx")
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "x.onnx", model1(graph(), fn("F", "G"), metadata("a", "b")), with(external("location", "x")))
}

func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: real ONNX models are NOT tested")
	}
	files, _ := filepath.Glob(filepath.Join(root, "public", "benign", "*", "*.onnx"))
	if len(files) == 0 {
		t.Error("no .onnx file seen")
	}
	for _, p := range files {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x.onnx", "blob"} {
			if r, ok := inspecttest.Run(Inspector{}, b, name); !ok || strings.Trim(inspecttest.Rules(r), " ") != "" {
				t.Errorf("%s as %s: detected %v, findings %+v", filepath.Base(p), name, ok, r.Findings)
			}
		}
	}
}
