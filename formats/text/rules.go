package text

import (
	"regexp"
	"strings"
	"sync"

	"trustfs/formats"
	"trustfs/formats/globals"
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
	isTrue bool // Python takes it for true
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
var jsonPickle = words("py/object py/reduce py/function py/type py/newobj py/newargs py/newargsex py/initargs py/repr " +
	"py/property py/method py/mod py/module")

// key judges a key by itself.
func (r *rules) key(v value) {
	if jsonPickle[v.text] {
		r.add(formats.RuleRemoteCode, v, "jsonpickle's %s constructs a Python object", v.text)
	}
	r.consent(v)
}

// consent judges trust_remote_code. Loaders ask Python whether the value is true: so are 1, "no" and any list or dict
// that holds something. Below "properties" a JSON schema describes the setting and is none.
func (r *rules) consent(v value) {
	given := v.at.Key(0) == trustKey && v.isTrue
	for up := 1; up < min(v.at.Len(), 12); up++ {
		given = given || v.at.Key(up) == trustKey && v.at.Key(up+1) != "properties"
	}
	if !given {
		return
	}
	rule := formats.RuleRemoteReference
	if r.json {
		rule = formats.RuleRemoteCode // transformers takes it from nested configurations: CVE-2026-5241
	}
	r.add(rule, v, "consent to remote code stands in the document itself")
}

const trustKey = "trust_remote_code"

// value judges a scalar by the key that it belongs to.
func (r *rules) value(v value) {
	key := v.at.NearestKey()
	r.consent(v)
	switch {
	case !v.isText || v.text == "":
	case strings.Contains(key, "template") || under(v.at, "chat_template"):
		r.template(v)
	case key == "_target_":
		r.callable(v, "hydra calls")
	case (key == "target" || key == "class_path") && !(r.json && inList(v.at)):
		r.target(v, key)
	case under(v.at, "auto_map"), key == "impl" && under(v.at, "custom_pipelines"):
		r.ownClass(v, key)
	case implementation(v.at):
		if strings.Contains(v.text, "/") {
			r.add(formats.RuleRemoteCode, v, "the kernels of %.100q are fetched and run", v.text)
		}
	case key == "loader_module":
		r.loaderModule(v)
	case key == "parent_library" && under(v.at, "auto_mapping"):
		r.callable(v, "peft imports")
	case key == "type" && v.at.Len() == 2 && v.at.Index(1) >= 0 && dotted().MatchString(v.text):
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

// inList says whether an array is on the path: then a JSON document is rather a data set than a configuration.
func inList(p place) bool {
	for up := range min(p.Len(), 12) {
		if p.Index(up) >= 0 {
			return true
		}
	}
	return false
}

// implementation says whether the value names the kernels of a model, or of one of its parts: the setting's value may be
// a dict of the parts' names.
func implementation(p place) bool {
	for up := range min(p.Len(), 12) {
		key := strings.TrimPrefix(p.Key(up), "_")
		if strings.HasPrefix(key, "attn_implementation") || strings.HasPrefix(key, "experts_implementation") {
			return true
		}
	}
	return false
}

// target judges the name that many configurations (latent diffusion, Lightning's command line) have their own loaders
// import and call. The words are ordinary keys elsewhere, and most of the names a project's own classes, so that only
// names known to be dangerous convict.
func (r *rules) target(v value, key string) {
	i := strings.LastIndexByte(v.text, '.')
	if i < 0 || !dotted().MatchString(v.text) {
		return
	}
	if globals.Lookup(v.text[:i], v.text[i+1:], nil).Status == globals.Dangerous {
		r.add(formats.RuleRemoteCode, v, "%s names %.100q, which runs or loads what it is given", key, v.text)
	}
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
	dotted     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$`) })
	identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_]\w*$`) })
)

// ownClass judges a class that transformers imports with the user's consent: file.Class of the same folder, or with
// "org/name--" before it of another repository, whose code no digest here covers.
func (r *rules) ownClass(v value, key string) {
	switch {
	case strings.Contains(v.text, "--"):
		repo, class, _ := strings.Cut(v.text, "--")
		r.add(formats.RuleRemoteCode, v, "%s: %.80q is fetched from the repository %.80q and run", key, class, repo)
	case dotted().MatchString(v.text):
		r.add(formats.RuleRemoteReference, v, "%s names the class %.80q of the folder's own Python", key, v.text)
	default:
		r.add(formats.RuleRemoteCode, v, "%s names %.100q, which is no file.Class", key, v.text)
	}
}

// loaderModule judges the module that MLflow imports to load a model. Its own flavours are the ordinary case; their
// pickles are judged as files.
func (r *rules) loaderModule(v value) {
	switch {
	case strings.HasPrefix(v.text, "mlflow.") && dotted().MatchString(v.text):
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
	case identifier().MatchString(v.text):
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
