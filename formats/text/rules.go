package text

import (
	"regexp"
	"strings"

	"trustfs/formats"
)

// place is where a key or value stands.
type place interface {
	Key(up int) string
	NearestKey() string
	Index(up int) int
	Len() int
	String() string
}

// value is a key or scalar of a document.
type value struct {
	at     place
	text   string
	isText bool // a string (in YAML any scalar)
	isTrue bool
	cut    bool // text holds only its beginning
}

// rules holds a document's keys and values against what makes a loader run, fetch or import code.
type rules struct {
	c    *formats.Context
	s    *formats.Source
	json bool
}

func (r *rules) add(rule string, v value, format string, args ...any) {
	r.c.Addf(rule, r.s.Key(v.at.String()), format, args...)
}

// jsonPickle are the keys of the jsonpickle format, which builds objects of any class from JSON.
var jsonPickle = map[string]bool{"py/object": true, "py/reduce": true, "py/function": true, "py/type": true, "py/newobj": true}

// key judges a key by itself.
func (r *rules) key(v value) {
	if jsonPickle[v.text] {
		r.add(formats.RuleRemoteCode, v, "jsonpickle's %s constructs a Python object", v.text)
	}
}

// value judges a scalar by the key that it belongs to.
func (r *rules) value(v value) {
	key := v.at.NearestKey()
	switch {
	case key == "trust_remote_code" && v.isTrue:
		rule := formats.RuleRemoteReference
		if r.json {
			rule = formats.RuleRemoteCode // transformers takes it from nested configurations: CVE-2026-5241
		}
		r.add(rule, v, "consent to remote code stands in the document itself")
	case !v.isText || v.text == "":
	case strings.Contains(key, "template") || under(v.at, "chat_template"):
		r.template(v)
	case key == "_target_":
		r.callable(v, "hydra calls")
	case under(v.at, "auto_map"), key == "impl" && under(v.at, "custom_pipelines"):
		r.ownClass(v, key)
	case strings.HasPrefix(strings.TrimPrefix(key, "_"), "attn_implementation"), strings.HasPrefix(strings.TrimPrefix(key, "_"), "experts_implementation"):
		if strings.Contains(v.text, "/") {
			r.add(formats.RuleRemoteCode, v, "the kernels of %.100q are fetched and run", v.text)
		}
	case key == "loader_module":
		r.loaderModule(v)
	case key == "parent_library" && under(v.at, "auto_mapping"):
		r.callable(v, "peft imports")
	case key == "type" && v.at.Len() == 2 && v.at.Index(1) >= 0 && dotted.MatchString(v.text):
		r.sentenceModule(v)
	case v.at.Len() == 2 && v.at.Index(0) == 0 && named(r.s, func(n string) bool { return n == "model_index.json" }):
		r.diffusersLibrary(v, key)
	case under(v.at, "weight_map"):
		r.shard(v)
	}
}

// under says whether key stands on the path.
func under(p place, key string) bool {
	for up := range min(p.Len(), 12) {
		if p.Key(up) == key {
			return true
		}
	}
	return false
}

func (r *rules) template(v value) {
	if !strings.Contains(v.text, "{{") && !strings.Contains(v.text, "{%") {
		return
	}
	if v.cut {
		r.c.Exceeded(r.s.Key(v.at.String()), "a template longer than %d bytes", maxString)
	}
	fact := "chat_template_sha256"
	if name := v.at.String(); name != "chat_template" {
		fact = "template_sha256 " + name
	}
	template(r.c, r.s.Key(v.at.String()), fact, v.text)
}

var (
	dotted     = regexp.MustCompile(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$`)
	identifier = regexp.MustCompile(`^[A-Za-z_]\w*$`)
)

// ownClass judges a class that transformers imports with the user's consent: file.Class of the same folder, or with
// "org/name--" before it of another repository, whose code no digest here covers.
func (r *rules) ownClass(v value, key string) {
	switch {
	case strings.Contains(v.text, "--"):
		repo, class, _ := strings.Cut(v.text, "--")
		r.add(formats.RuleRemoteCode, v, "%s: %.80q is fetched from the repository %.80q and run", key, class, repo)
	case dotted.MatchString(v.text):
		r.add(formats.RuleRemoteReference, v, "%s names the class %.80q of the folder's own Python", key, v.text)
	default:
		r.add(formats.RuleRemoteCode, v, "%s names %.100q, which is no file.Class", key, v.text)
	}
}

// loaderModule judges the module that MLflow imports to load a model. Its own flavours are the ordinary case; their
// pickles are judged as files.
func (r *rules) loaderModule(v value) {
	switch {
	case strings.HasPrefix(v.text, "mlflow.") && dotted.MatchString(v.text):
	default:
		r.add(formats.RuleRemoteCode, v, "MLflow imports %.100q, which may be code beside the model", v.text)
	}
}

func (r *rules) sentenceModule(v value) {
	if !strings.HasPrefix(v.text, "sentence_transformers.") {
		r.callable(v, "sentence-transformers imports")
	}
}

// diffusersLibraries are the libraries that an ordinary model_index.json names.
var diffusersLibraries = map[string]bool{
	"diffusers": true, "transformers": true, "onnxruntime": true, "k_diffusion": true, "stable_diffusion": true,
	"optimum": true, "peft": true, "flax": true, "null": true, "paddlenlp": true, "audioldm2": true,
}

// diffusersLibrary judges the first item of [library, class]: a name that is no library is a file of the folder.
func (r *rules) diffusersLibrary(v value, key string) {
	switch {
	case diffusersLibraries[v.text]:
	case identifier.MatchString(v.text):
		r.add(formats.RuleRemoteReference, v, "%s is a class of %.80q, which is code of the folder or of a library", key, v.text)
	default:
		r.callable(v, "diffusers imports")
	}
}

// shard judges a file name of a shard index: it must stay in the folder.
func (r *rules) shard(v value) {
	if strings.HasPrefix(v.text, "/") || strings.Contains(v.text, "..") || strings.Contains(v.text, `\`) || strings.Contains(v.text, "://") {
		r.add(formats.RuleFormatMalformed, v, "a shard outside the folder: %.100q", v.text)
	}
}
