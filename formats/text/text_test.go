package text

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func TestDetect(t *testing.T) {
	tests := []struct {
		content string
		want    bool
	}{
		{"hello\n", true}, {"", false}, {"\x00", false}, {"a\x00b", false}, {"\xef\xbb\xbfhello", true}, {"caf\xe9 au lait", true},
		{"caf\xe9\x01", false}, {strings.Repeat("a", 3000) + "\x01", true}, {"\x01\x02\x03\x04", false}, {"é", true},
		{strings.Repeat("a", headSize-1) + "é", true}, {"\x1b[31mred", true}, {"\x80\x04\x95", false},
		{inUTF16("text"), true}, {inUTF16(strings.Repeat("\U0001f600", headSize)), true}, {inUTF32("text"), true}, {"\xff\xfe\x00\x00", false},
		{"\xff\xfe\x00\xd8ab", false}, {"\xff\xfeab\x00\x00ab", false}, {inUTF16("\x01\x02\x03\x04"), false},
	}
	for _, tt := range tests {
		if _, got := inspecttest.Run(Inspector{}, []byte(tt.content)); got != tt.want {
			t.Errorf("%.20q: detected %v, want %v", tt.content, got, tt.want)
		}
	}
}

func TestBinaryBehindATextHeadIsOpaque(t *testing.T) {
	for _, tail := range []string{"\x00", strings.Repeat("\x01", 5000), "\xff\x01\x02\x03\x04\x05\x06\x07"} {
		r, ok := inspecttest.Run(Inspector{}, []byte(strings.Repeat("text ", headSize)+tail))
		if !ok || r.Format != formats.FormatOpaque {
			t.Errorf("tail %.8q: detected %v as %s, want opaque", tail, ok, r.Format)
		}
	}
	r, _ := inspecttest.Run(Inspector{}, []byte(strings.Repeat("é", 100_000)))
	if r.Format != formats.FormatDocument {
		t.Errorf("long text is %s: a letter cut between two chunks is no error", r.Format)
	}
}

func TestShebangIsCode(t *testing.T) {
	if r, _ := inspecttest.Run(Inspector{}, []byte("#!/bin/sh\n")); r.Format != formats.FormatCode {
		t.Errorf("format %s, want code", r.Format)
	}
}

const (
	remote    = formats.RuleRemoteCode
	reference = formats.RuleRemoteReference
)

func TestDocuments(t *testing.T) {
	tests := map[string]struct{ name, content, want string }{
		"config":          {"config.json", `{"model_type":"bert","_attn_implementation":"eager","architectures":["BertModel"]}`, ""},
		"own class":       {"config.json", `{"auto_map":{"AutoModel":"modeling_x.XModel","AutoTokenizer":["tok.X",null]}}`, reference},
		"own class alone": {"config.json", `{"auto_map":"modeling_x.XModel"}`, reference},
		"other repo":      {"config.json", `{"auto_map":{"AutoModel":"org/repo--modeling_x.XModel"}}`, remote},
		"odd class":       {"config.json", `{"auto_map":{"AutoModel":"../x"}}`, remote},
		"any name":        {"blob", `{"auto_map":{"AutoModel":"org/repo--modeling_x.XModel"}}`, remote},
		"second key":      {"config.json", `{"auto_map":{"AutoModel":"a/b--c.D"},"auto_map":null}`, remote},
		"consent":         {"config.json", `{"text_config":{"trust_remote_code":true}}`, remote},
		"no consent":      {"config.json", `{"trust_remote_code":false}`, ""},
		"pipeline":        {"config.json", `{"custom_pipelines":{"x":{"impl":"pipe.X","pt":["AutoModel"]}}}`, reference},
		"remote pipeline": {"config.json", `{"custom_pipelines":{"x":{"impl":"a/b--pipe.X"}}}`, remote},
		"kernels":         {"config.json", `{"attn_implementation":"org/kernel"}`, remote},
		"kernels 2":       {"config.json", `{"_attn_implementation_internal":"org/kernel:f"}`, remote},
		"kernels 3":       {"config.json", `{"_experts_implementation_internal":"org/kernel"}`, remote},
		"hydra":           {"x.json", `{"_target_":"torch.optim.Adam","lr":1}`, reference},
		"hydra os":        {"x.json", `{"_target_":"os.system","_args_":["id"]}`, remote},
		"hydra load":      {"x.json", `{"_target_":"torch.load"}`, remote},
		"hydra dunder":    {"x.json", `{"_target_":"numpy.__builtins__.x"}`, remote},
		"hydra computed":  {"x.json", `{"_target_":"${oc.env:X}"}`, remote},
		"hydra no name":   {"x.json", `{"_target_":"a b"}`, remote},
		"jsonpickle":      {"x.json", `{"py/object":"os.system"}`, remote},
		"modules":         {"modules.json", `[{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"}]`, ""},
		"own module":      {"modules.json", `[{"idx":0,"type":"custom_st.Transformer"}]`, reference},
		"os module":       {"modules.json", `[{"idx":0,"type":"os.system"}]`, remote},
		"diffusers":       {"model_index.json", `{"_class_name":"P","unet":["diffusers","UNet"],"x":[null,null]}`, ""},
		"own diffusers":   {"model_index.json", `{"unet":["my_unet","UNet"]}`, reference},
		"peft":            {"adapter_config.json", `{"auto_mapping":{"parent_library":"transformers.models.bert.modeling_bert"}}`, reference},
		"peft os":         {"adapter_config.json", `{"auto_mapping":{"parent_library":"os"}}`, remote},
		"index":           {"model.safetensors.index.json", `{"weight_map":{"a":"model-1.safetensors"}}`, ""},
		"index outside":   {"model.safetensors.index.json", `{"weight_map":{"a":"../x.safetensors"}}`, formats.RuleFormatMalformed},
		"template":        {"tokenizer_config.json", `{"chat_template":"{% for m in messages %}{{ m['content'] }}{% endfor %}"}`, ""},
		"bad template":    {"tokenizer_config.json", `{"chat_template":"{{ x.__class__ }}"}`, formats.RuleTemplate},
		"listed template": {"tokenizer_config.json", `{"chat_template":[{"name":"a","template":"{{ x.__class__ }}"}]}`, formats.RuleTemplate},
		"lenient json":    {"tokenizer_config.json", "{\"x\":NaN,\"y\":\"\xff\",\"chat_template\":\"{{ x.__class__ }}\"}", formats.RuleTemplate},
		"deep":            {"x.json", strings.Repeat("[", 2000), formats.RuleLimitExceeded},
		"broken json":     {"config.json", "{\n \"auto_map\": \"a/b--c.D\",\n // comment\n}", remote},
		"keras":           {"model.json", `{"class_name":"Sequential","config":{"layers":[{"class_name":"Lambda"}]}}`, formats.RuleKerasLambda},
		"json lines":      {"x.jsonl", "{\"a\":1}\n{\"a\":2}\n", ""},

		"consent 1":         {"config.json", `{"trust_remote_code":1}`, remote},
		"consent yes":       {"config.json", `{"trust_remote_code":"yes"}`, remote},
		"consent False":     {"config.json", `{"trust_remote_code":"False"}`, remote},
		"consent in a list": {"config.json", `{"trust_remote_code":[false]}`, remote},
		"consent in a dict": {"config.json", `{"trust_remote_code":{"a":{}}}`, remote},
		"consent 0e1":       {"config.json", `{"trust_remote_code":0e1}`, ""},
		"consent empty":     {"config.json", `{"a":{"trust_remote_code":""},"b":{"trust_remote_code":null},"c":{"trust_remote_code":{}}}`, ""},
		"consent schema":    {"x.json", `{"properties":{"trust_remote_code":{"type":"boolean","default":false}}}`, ""},
		"kernels of parts":  {"config.json", `{"attn_implementation":{"text_config":"evil/kernel"}}`, remote},
		"kernels, own":      {"config.json", `{"attn_implementation":{"text_config":"sdpa"}}`, ""},
		"jsonpickle repr":   {"x.json", `{"py/repr":"os/os.system('id')"}`, remote},
		"jsonpickle args":   {"x.json", `{"py/newargsex":[]}`, remote},
		"jsonpickle init":   {"x.json", `{"py/initargs":[]}`, remote},
		"target":            {"x.json", `{"model":{"target":"subprocess.Popen"}}`, remote},
		"target of data":    {"x.json", `[{"input":"runs a command","target":"os.system"}]`, ""},
		"target, ordinary":  {"x.yaml", "model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params: {target: site}\n", ""},
		"class path":        {"x.yaml", "model:\n  class_path: subprocess.Popen\n", remote},
		"class path, own":   {"x.yaml", "model:\n  class_path: my.models.Net\n", ""},
		"yaml target":       {"x.yaml", "model:\n- target: os.system\n", remote},
		"yaml consent yes":  {"x.yml", "trust_remote_code: yes\n", reference},
		"yaml consent no":   {"x.yml", "trust_remote_code: No\n", ""},
		"yaml consent 'no'": {"x.yml", "trust_remote_code: 'no'\n", reference},
		"yaml, a script":    {"x.yml", "#!/bin/x\na: !!python/name:os.system ''\n", remote},
		"long yaml handle":  {"x.yml", "%TAG !x! tag:yaml.org,2002:python/\n---\na: !x!name:os.system ''\n" + strings.Repeat("#\n", maxYAML), remote},
		"long yaml":         {"x.yml", "a: 1\n" + strings.Repeat("#\n", maxYAML), ""},
		"yaml, UTF-16":      {"x.yml", inUTF16("a: !!python/name:os.system ''\n"), remote},
		"yaml, UTF-32":      {"x.yml", inUTF32("a: !!python/name:os.system ''\n"), remote},
		"json, UTF-16":      {"config.json", inUTF16(`{"auto_map":{"AutoModel":"a/b--c.D"}}`), remote},
		"prose, UTF-16":     {"x.txt", inUTF16("Grüße \U0001f600\n"), ""},

		"template by content": {"t.txt", "Hello {{ \"\".__class__.__mro__ }}", formats.RuleTemplate},
		"template in markup":  {"t.md", "# A\n{% set k='xx'|upper %}{{ ''[k] }}", formats.RuleTemplate},
		"template in json":    {"t.json", `{"a":"{{ ''.__class__ }}"}`, formats.RuleTemplate},
		"page":                {"index.html", "<!DOCTYPE html>{% extends 'base' %}<p>{{ config.name }} {{ url_for('x') }}</p>", ""},
		"bibliography":        {"README.md", "it's @a{b, title={{BERT}: x}}\n```python\ndef __init__(self): f\"{{{self.__class__.__name__}}}\"\n```\n", ""},
		"tag by content":      {"t.txt", "!!python/object/apply:os.system [id]\n", remote},
		"tag in a setting":    {"t.cfg", "a:\n  b: !!python/name:os.system\n", remote},
		"tag, escaped":        {"t.cfg", "a: !!p%79thon/name:os.system ''\n", remote},
		"tag by a handle":     {"t.cfg", "%TAG !x! tag:yaml.org,2002:python/\n---\na: !x!name:os.system ''\n", remote},
		"tag before a break":  {"t.txt", "--- !!python/object/apply:os.system [id]\n--- [\n", remote},
		"tag, long":           {"t.txt", "a: !!python/name:os.system\n" + strings.Repeat("#\n", maxYAML), remote},
		"tag, long prose":     {"t.txt", "so !!python/name:os.system\n" + strings.Repeat("#\n", maxYAML), ""},
		"tag in a string":     {"t.txt", "a: \"!!python/name:os.system\"\n", ""},

		"yaml":           {"x.yaml", "model:\n  lr: 1\n", ""},
		"yaml hydra":     {"x.yaml", "a:\n  - _target_: os.system\n", remote},
		"yaml own":       {"x.yaml", "a:\n  _target_: my.models.Net\n", reference},
		"yaml tag":       {"x.yml", "a: !!python/object/apply:os.system [id]\n", remote},
		"yaml long tag":  {"x.yml", "a: !<tag:yaml.org,2002:python/name:os.system> ''\n", remote},
		"yaml escaped":   {"x.yml", "a: !!p%79thon/name:os.system ''\n", remote},
		"yaml handle":    {"x.yml", "%TAG !x! tag:yaml.org,2002:python/\n---\na: !x!name:os.system ''\n", remote},
		"yaml consent":   {"x.yml", "trust_remote_code: true\n", reference},
		"yaml no name":   {"", "a:\n  _target_: os.system\n", remote},
		"broken yaml":    {"x.yaml", "a: [\n_target_: os.system\n", remote},
		"mlmodel":        {"MLmodel", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n", ""},
		"mlmodel own":    {"MLmodel", "flavors:\n  python_function:\n    loader_module: my_loader\n", remote},
		"readme":         {"README.md", "---\nlicense: mit\n---\n# X\nuse `trust_remote_code: true` and _target_: os.system, !!python/name:x\n", ""},
		"prose, no name": {"", "Use !!python/name: in YAML.\n\n- trust_remote_code: true: maybe\n", ""},
		"jinja":          {"chat_template.jinja", "{{ x }}", ""},
		"bad jinja":      {"chat_template.jinja", "text {{ cycler.__init__ }}", formats.RuleTemplate},
		"jinja, no name": {"", "{%- if x %}{{ x.__class__ }}{% endif %}", formats.RuleTemplate},
		"graph":          {"saved_model.pbtxt", "node {\n  name: \"a\"\n  op: \"MatMul\"\n}\n", ""},
		"graph of files": {"saved_model.pbtxt", "node {\n  name: \"a\"\n  op :\n 'WriteFile'\n}\n", formats.RuleGraphFileAccess},
		"graph, escaped": {"x.pbtxt", `node { op: "Py\106unc" }`, formats.RuleFormatMalformed},
		"graph, custom":  {"x.pbtxt", `node { op: "A>B" }`, formats.RuleCustomOps},
		"xml":            {"x.xml", `<?xml version="1.0"?><!DOCTYPE a><a/>`, ""},
		"xml entity":     {"x.xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, formats.RuleGraphFileAccess},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var names []string
			if tt.name != "" {
				names = []string{tt.name}
			}
			inspecttest.Expect(t, Inspector{}, []byte(tt.content), tt.want, names...)
		})
	}
}

func inUTF16(s string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func inUTF32(s string) string {
	b := []byte("\x00\x00\xfe\xff")
	for _, r := range s {
		b = binary.BigEndian.AppendUint32(b, uint32(r))
	}
	return string(b)
}

// TestRepositoryIsNamed: whose code would be fetched is what an operator has to know.
func TestRepositoryIsNamed(t *testing.T) {
	r := inspecttest.Expect(t, Inspector{}, []byte(`{"auto_map":{"AutoModel":"org/repo--modeling_x.XModel"}}`), remote, "config.json")
	if f := r.Findings[0]; f.Where != "auto_map.AutoModel" || !strings.Contains(f.Detail, `"org/repo"`) {
		t.Errorf("%+v, want the key and the repository", f)
	}
}

func TestImages(t *testing.T) {
	for content, want := range map[string]bool{
		"\x89PNG\r\n\x1a\n....": true, "\xff\xd8\xff\xe0": true, "GIF89a": true, "RIFF\x00\x00\x00\x00WEBP": true,
		"RIFF\x00\x00\x00\x00WAVE": false, "\x89PNG": false, "": false,
	} {
		if _, got := inspecttest.Run(Images{}, []byte(content)); got != want {
			t.Errorf("%q: detected %v, want %v", content, got, want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "x.yaml", []byte("a:\n  _target_: os.system\n"), []byte(`{"chat_template":"{{ x }}"}`),
		[]byte("&a [*a]\n"), []byte("<?xml?><!DOCTYPE a>"), []byte("{% x %}"))
}

// TestCorpus holds documents with known labels against the rules.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: real templates and configurations are NOT tested")
	}
	for label, refused := range map[string]bool{"benign": false, "malicious": true} {
		seen := 0
		err := filepath.WalkDir(filepath.Join(root, "public", label), func(p string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(p, ".json") && !strings.HasSuffix(p, ".jinja") {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			seen++
			r, ok := inspecttest.Run(Inspector{}, b, filepath.Base(p))
			if !ok || (len(r.Findings) > 0) != refused {
				t.Errorf("%s %s: detected %v, findings %+v", label, p, ok, r.Findings)
			}
			return nil
		})
		if err != nil || seen == 0 {
			t.Errorf("%s: %d files seen, %v", label, seen, err)
		}
	}
}
