package all

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func zipOf(t testing.TB, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		m, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Store})
		if err == nil {
			_, err = m.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func safetensorsOf(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

const (
	oneTensor = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	evil      = "cposix\nsystem\n(S'true'\ntR."
	png       = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
)

// emptyGGUF has neither keys nor tensors.
var emptyGGUF = append([]byte("GGUF\x03\x00\x00\x00"), make([]byte, 16)...)

func TestPolyglots(t *testing.T) {
	tail := zipOf(t, "data.pkl", evil)
	for name, head := range map[string][]byte{
		"safetensors": safetensorsOf(oneTensor, 8), "gguf": emptyGGUF, "picture": []byte(png), "program": []byte("\x7fELF\x02\x01\x01"),
	} {
		r := inspectBytes(append(bytes.Clone(head), tail...), "x.bin")
		if got := inspecttest.Rules(r); !strings.Contains(got, formats.RulePolyglot) || !strings.Contains(got, formats.RuleGlobalDangerous) {
			t.Errorf("%s with a zip behind: %s, formats %v; want a polyglot and the pickle found", name, got, r.Formats)
		}
	}
	if got := inspecttest.Rules(inspectBytes(tail, "x.zip")); strings.Contains(got, formats.RulePolyglot) {
		t.Errorf("a pickle in a zip is no polyglot: %s", got)
	}
}

// TestHiddenPickles: the name never decides whether a pickle is one.
func TestHiddenPickles(t *testing.T) {
	for _, name := range []string{"x.pkl", "x.txt", "x.json", "README", "x.safetensors", "x.png", ""} {
		if got := inspecttest.Rules(inspectBytes([]byte(evil), name)); !strings.Contains(got, formats.RuleGlobalDangerous) {
			t.Errorf("as %q: %q", name, got)
		}
	}
}

// TestOrdinaryFolder has the files that lie beside the weights in a model's folder: none has a finding.
func TestOrdinaryFolder(t *testing.T) {
	var vocabulary strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&vocabulary, "##token%d\n", i)
	}
	files := map[string]struct {
		content string
		class   formats.Class
	}{
		".gitattributes":               {"*.bin filter=lfs diff=lfs merge=lfs -text\n", formats.ClassDocument},
		"README.md":                    {"---\nlicense: mit\n---\n# Model\n\n```python\nfrom transformers import pipeline\npickle.load(open('x'))\n```\n", formats.ClassDocument},
		"config.json":                  {`{"architectures":["BertModel"],"hidden_size":8,"torch_dtype":"float32"}`, formats.ClassDocument},
		"generation_config.json":       {`{"do_sample":true}`, formats.ClassDocument},
		"model.safetensors.index.json": {`{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors"}}`, formats.ClassDocument},
		"tokenizer.json":               {`{"version":"1.0","model":{"type":"BPE","vocab":{"<s>":0,"Ġ__init__":1},"merges":["a b"]},"post_processor":{"type":"TemplateProcessing","single":[]}}`, formats.ClassDocument},
		"vocab.txt":                    {vocabulary.String(), formats.ClassDocument},
		"merges.txt":                   {"#version: 0.2\nĠ t\nĠ a\n", formats.ClassDocument},
		"special_tokens_map.json":      {`{"bos_token":"<s>"}`, formats.ClassDocument},
		"modeling_x.py":                {"import torch\n", formats.ClassCode},
		"figure.png":                   {png, formats.ClassDocument},
		"LICENSE":                      {"Apache License\nVersion 2.0\n", formats.ClassDocument},
		"empty":                        {"", formats.ClassDocument},
		"trainer_state.json":           {`{"log_history":[{"loss":NaN}]}`, formats.ClassDocument},
		"train.log":                    {"\x1b[32mINFO\x1b[0m loss 0.1\r\n", formats.ClassDocument},
		"data.csv":                     {"a,b\n1,2\n", formats.ClassDocument},
		"lightgbm.txt":                 {"tree\nversion=v4\nnum_class=1\n", formats.ClassDocument},
		"model.safetensors":            {string(safetensorsOf(oneTensor, 8)), formats.ClassModel},
		"model.gguf":                   {string(emptyGGUF), formats.ClassModel},
	}
	for name, f := range files {
		if r := inspectBytes([]byte(f.content), name); len(r.Findings) > 0 || r.Class != f.class {
			t.Errorf("%s: class %s format %s findings %+v, want %s and none", name, r.Class, r.Format, r.Findings, f.class)
		}
	}
}

// TestFormatNames fails where an entry hides behind another.
func TestFormatNames(t *testing.T) {
	for want, b := range map[string][]byte{
		formats.FormatSafetensors: safetensorsOf(oneTensor, 8), formats.FormatGGUF: emptyGGUF, formats.FormatGGML: []byte("lmgg\x00\x00\x00\x00"),
		formats.FormatZip: zipOf(t, "a", "text"), formats.FormatPickle: []byte("\x80\x02}q\x00."), formats.FormatDocument: []byte("text"),
		formats.FormatKerasZip: zipOf(t, "config.json", "{}", "metadata.json", "{}"), formats.FormatCode: []byte("#!/bin/sh\n"),
		formats.FormatOpaque: []byte("\x00\x01\x02\x03"), formats.FormatFlax: []byte("\x81\xa6params\x80"), formats.FormatHDF5: []byte("\x89HDF\r\n\x1a\n\x00\x00"),
	} {
		if r := inspectBytes(b); r.Format != want {
			t.Errorf("%.12q: format %s, want %s", b, r.Format, want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	seeds := [][]byte{safetensorsOf(oneTensor, 8), emptyGGUF, zipOf(f, "data.pkl", evil), []byte(evil), []byte(`{"auto_map":"a.B"}`), []byte("\x81\xa6params\x80")}
	for _, s := range seeds {
		f.Add(s, "x.pt")
	}
	b := formats.DefaultBudget()
	b.Inflated, b.Opcodes, b.HeaderBytes = 1<<20, 100_000, 1<<20
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		r := Inspect(bytes.NewReader(content), int64(len(content)), []string{name}, Options{Budget: b})
		if r.Format == "" || r.Class == "" || r.Findings == nil {
			t.Fatalf("an unusable result: %+v", r)
		}
		for _, f := range r.Findings {
			if f.Rule == formats.RuleInspectorFailed {
				t.Fatalf("%+v", f)
			}
		}
		if again := Inspect(bytes.NewReader(content), int64(len(content)), []string{name}, Options{Budget: b}); fmt.Sprintf("%+v", r) != fmt.Sprintf("%+v", again) {
			t.Fatalf("two runs differ:\n%+v\n%+v", r, again)
		}
	})
}
