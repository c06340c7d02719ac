package tensorflow

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

// opCode is an operator of a model to build.
type opCode struct {
	builtin int32
	custom  string
}

// tflite builds a model with FlatBuffers' own library, so that the reader is held against another hand's writer.
func tflite(description string, offset, size uint64, ops ...opCode) []byte {
	b := flatbuffers.NewBuilder(0)
	var codes []flatbuffers.UOffsetT
	for _, op := range ops {
		var name flatbuffers.UOffsetT
		if op.custom != "" {
			name = b.CreateString(op.custom)
		}
		b.StartObject(4)
		if name != 0 {
			b.PrependUOffsetTSlot(codeCustom, name, 0)
		}
		b.PrependInt32Slot(codeBuiltin, op.builtin, 0)
		codes = append(codes, b.EndObject())
	}
	data := b.CreateByteVector(make([]byte, 16))
	b.StartObject(3)
	b.PrependUOffsetTSlot(bufferData, data, 0)
	b.PrependUint64Slot(bufferOffset, offset, 0)
	b.PrependUint64Slot(bufferSize, size, 0)
	buffers := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	codesAt, text := b.CreateVectorOfTables(codes), b.CreateString(description)
	b.StartObject(5)
	b.PrependUOffsetTSlot(modelOperatorCodes, codesAt, 0)
	b.PrependUOffsetTSlot(modelDescription, text, 0)
	b.PrependUOffsetTSlot(modelBuffers, buffers, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(tfliteIdentifier))
	return b.FinishedBytes()
}

func TestTFLite(t *testing.T) {
	good := tflite("MLIR Converted.", 0, 0, opCode{builtin: 3}, opCode{builtinCustom, "TFLite_Detection_PostProcess"})
	wild := bytes.Clone(good)
	binary.LittleEndian.PutUint32(wild, 1<<31)
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"good":         {good, ""},
		"custom":       {tflite("", 0, 0, opCode{builtinCustom, "MyOp"}), formats.RuleCustomOps},
		"flex":         {tflite("", 0, 0, opCode{builtinCustom, "FlexErf"}), formats.RuleCustomOps},
		"flex file":    {tflite("", 0, 0, opCode{builtinCustom, "FlexReadFile"}), formats.RuleGraphFileAccess},
		"code in text": {tflite("<script>x</script>", 0, 0), formats.RuleFormatMalformed},
		"outside":      {tflite("", 1<<40, 8), formats.RuleFormatMalformed},
		"wraps":        {tflite("", 64, 1<<64-8), formats.RuleFormatMalformed},
		"wild offset":  {wild, formats.RuleFormatMalformed},
		"cut":          {good[:len(good)/2], formats.RuleFormatMalformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { inspecttest.Expect(t, TFLite{}, tt.b, tt.want) })
	}
	inspecttest.Mutations(t, TFLite{}, good)
}

func FuzzTFLite(f *testing.F) {
	inspecttest.Fuzz(f, TFLite{}, "x.tflite", tflite("a", 0, 0, opCode{builtinCustom, "MyOp"}))
}

func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: real TensorFlow models are NOT tested")
	}
	for pattern, i := range map[string]formats.Inspector{"*.pb": Inspector{}, "*.tflite": TFLite{}} {
		for label, refused := range map[string]bool{"benign": false, "malicious": true} {
			files, _ := filepath.Glob(filepath.Join(root, "public", label, "*", "*", pattern))
			if len(files) == 0 && (pattern == "*.pb" || !refused) {
				t.Errorf("%s %s: no file seen", label, pattern)
			}
			for _, p := range files {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{filepath.Base(p), "blob"} {
					if r, ok := inspecttest.Run(i, b, name); !ok || (len(r.Findings) > 0) != refused {
						t.Errorf("%s %s as %s: detected %v, findings %+v", label, p, name, ok, r.Findings)
					}
				}
			}
		}
	}
}
