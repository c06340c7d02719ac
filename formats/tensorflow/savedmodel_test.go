package tensorflow

import (
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
	"trustfs/formats/internal/pbwire"
)

type msg = pbwire.Message

// attr is a node's attribute with a string value; tensor one with a string tensor.
func attr(key, value string) msg {
	return msg{}.String(attrKey, key).Bytes(attrValue, msg{}.String(valueString, value))
}

func tensor(value string) msg {
	return msg{}.String(attrKey, "value").Bytes(attrValue, msg{}.Bytes(valueTensor, msg{}.Varint(1, 7).String(tensorStringVals, value)))
}

func nodeDef(name, op string, inputs []string, attrs ...msg) msg {
	n := msg{}.String(nodeName, name).String(nodeOp, op)
	for _, in := range inputs {
		n = n.String(nodeInput, in)
	}
	for _, a := range attrs {
		n = n.Bytes(nodeAttr, a)
	}
	return n
}

func graphOf(nodes ...msg) msg {
	var g msg
	for _, n := range nodes {
		g = g.Bytes(graphNode, n)
	}
	return g
}

func model1(meta msg) []byte {
	return msg{}.Varint(1, 1).Bytes(savedModelMeta, meta)
}

func saved(nodes ...msg) []byte {
	return model1(msg{}.Bytes(1, msg{}.String(4, "serve")).Bytes(metaGraph, graphOf(append([]msg{nodeDef("x", "Placeholder", nil)}, nodes...)...)))
}

func TestGraphs(t *testing.T) {
	in := func(s ...string) []string { return s }
	files, custom := formats.RuleGraphFileAccess, formats.RuleCustomOps
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"plain":  {saved(nodeDef("y", "MatMul", in("x", "x"))), ""},
		"pyfunc": {saved(nodeDef("y", "PyFunc", nil)), files},
		"write":  {saved(nodeDef("y", "WriteFile", nil)), files},
		"frozen": {graphOf(nodeDef("y", "ReadFile", nil)), files},
		"function": {model1(msg{}.Bytes(metaGraph, graphOf(nodeDef("x", "NoOp", nil)).Bytes(graphLibrary,
			msg{}.Bytes(libraryFunction, msg{}.Bytes(functionNode, nodeDef("f", "EagerPyFunc", nil)))))), files},
		"only a function": {model1(msg{}.Bytes(metaGraph, msg{}.Bytes(graphLibrary,
			msg{}.Bytes(libraryFunction, msg{}.Bytes(functionNode, nodeDef("f", "EagerPyFunc", nil)))))), files},
		"graph in a tensor": {saved(nodeDef("c", "Const", nil, tensor(string(graphOf(nodeDef("w", "WriteFile", nil)))))), files},
		"graph in a string": {saved(nodeDef("c", "DatasetFromGraph", nil, attr("g", string(graphOf(nodeDef("w", "WriteFile", nil)))))), files},
		"graph in a graph in a tensor": {saved(nodeDef("c", "Const", nil, tensor(string(graphOf(nodeDef("d", "Const", nil,
			tensor(string(graphOf(nodeDef("w", "WriteFile", nil)))))))))), files},
		"library in a tensor": {saved(nodeDef("c", "Const", nil, tensor(string(msg{}.Bytes(graphLibrary, msg{}.Bytes(libraryFunction,
			msg{}.Bytes(functionNode, nodeDef("w", "WriteFile", nil)))))))), files},
		"custom":        {saved(nodeDef("y", "Addons>Gelu", nil)), custom},
		"engine":        {saved(nodeDef("y", "TRTEngineOp", nil)), formats.RuleNativeCode},
		"print":         {saved(nodeDef("y", "PrintV2", nil, attr("output_stream", "stderr"))), ""},
		"print to file": {saved(nodeDef("y", "PrintV2", nil, attr("output_stream", "file:///x"))), files},
		"saver":         {saved(nodeDef("c", "Const", nil, tensor("model")), nodeDef("s", "SaveV2", in("c", "n"))), ""},
		"saver outside": {saved(nodeDef("c", "Const", nil, tensor("/etc/cron.d/x")), nodeDef("s", "SaveV2", in("c", "n"))), files},
		"saver joined": {saved(nodeDef("s", "SaveV2", in("j:0")), nodeDef("c", "Const", nil, tensor("../x")),
			nodeDef("j", "StringJoin", in("x", "c"))), files},
		"tensor named so": {saved(nodeDef("c", "Const", nil, tensor("/x")), nodeDef("p", "Placeholder", nil), nodeDef("s", "SaveV2", in("p", "c"))), ""},
		"merge":           {saved(nodeDef("c", "Const", nil, tensor("/x")), nodeDef("p", "Placeholder", nil), nodeDef("s", "MergeV2Checkpoints", in("p", "c"))), files},
		"a loop":          {saved(nodeDef("a", "Identity", in("b")), nodeDef("b", "Identity", in("a")), nodeDef("s", "SaveV2", in("a"))), ""},
		"asset":           {model1(msg{}.Bytes(metaGraph, graphOf(nodeDef("x", "NoOp", nil))).Bytes(metaAssets, msg{}.String(assetFilename, "vocab.txt"))), ""},
		"asset outside":   {model1(msg{}.Bytes(metaGraph, graphOf(nodeDef("x", "NoOp", nil))).Bytes(metaAssets, msg{}.String(assetFilename, "../../x"))), files},
		"keras object": {model1(msg{}.Bytes(metaGraph, graphOf(nodeDef("x", "NoOp", nil))).Bytes(metaObjects, msg{}.Bytes(objectsNode,
			msg{}.Bytes(objectUser, msg{}.String(1, "_tf_keras_layer").String(userMetadata, `{"class_name":"Lambda"}`))))), formats.RuleKerasLambda},
		"keras metadata": {msg{}.Bytes(kerasNodes, msg{}.Varint(2, 1).String(3, "root").String(kerasNodeIdent, "_tf_keras_layer").String(kerasNodeMeta, `{"class_name":"Lambda"}`)), formats.RuleKerasLambda},
		"cut":            {saved(nodeDef("y", "MatMul", nil))[:20], formats.RuleFormatMalformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inspecttest.Expect(t, Inspector{}, tt.b, tt.want, map[bool]string{true: "saved_model.pb"}[name == "cut"])
		})
	}
}

func TestDetect(t *testing.T) {
	onnx := msg{}.Varint(1, 8).String(2, "pytorch").Bytes(7, msg{}.Bytes(1, msg{}.String(1, "x").String(4, "Relu")))
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hello world\n"), "onnx": onnx, "zeros": make([]byte, 100), "pickle": []byte("\x80\x04\x95\x0a.")} {
		if r, ok := inspecttest.Run(Inspector{}, b, "x"); ok {
			t.Errorf("%s: detected: %+v", name, r)
		}
	}
	deep := graphOf(nodeDef("w", "NoOp", nil))
	for range maxGraphs + 1 {
		deep = graphOf(nodeDef("c", "Const", nil, tensor(string(deep))))
	}
	inspecttest.Expect(t, Inspector{}, deep, formats.RuleLimitExceeded)
}

func TestMutations(t *testing.T) {
	inspecttest.Mutations(t, Inspector{}, saved(nodeDef("c", "Const", nil, tensor("model")), nodeDef("s", "SaveV2", []string{"c"})), "saved_model.pb")
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "saved_model.pb", saved(nodeDef("c", "Const", nil, tensor("../x")), nodeDef("s", "SaveV2", []string{"c"})),
		saved(nodeDef("c", "Const", nil, tensor(string(graphOf(nodeDef("w", "WriteFile", nil)))))))
}
