// Package keras inspects Keras models: the configuration that all their forms carry (HDF5 attribute, config.json of the
// .keras zip, keras_metadata.pb, model.to_json()), and the HDF5 form itself.
//
// Loading a model builds the objects that its configuration names, so the configuration is a program: Lambda layers carry
// byte code (CVE-2024-3660), a module name is imported (CVE-2025-1550), functions of Keras itself fetch and unpack files
// (CVE-2025-8747), a vocabulary or a SavedModel is read from any path (CVE-2025-12058, CVE-2026-1462). What safe_mode
// forbids depends on version and file form (CVE-2025-9905), so it is not counted on.
package keras

import (
	"errors"
	"io"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/strictjson"
)

const (
	maxNodes  = 300_000
	maxString = 8 << 20 // a Lambda's byte code, a vocabulary
)

// InspectConfig reads a configuration as JSON from r and judges every object it names. where prefixes the findings'
// positions.
func InspectConfig(c *formats.Context, where string, r io.Reader) {
	d := strictjson.New(r, 0, strictjson.Options{MaxDepth: 500, MaxString: maxString, AllowNaN: true, AllowDup: true, AllowUTF8: true})
	root, duplicates, err := strictjson.Parse(d, maxNodes)
	s := &formats.Source{Where: where}
	var e *strictjson.Error
	switch {
	case errors.As(err, &e) && e.Kind == strictjson.Read:
		return
	case errors.As(err, &e) && e.Kind == strictjson.Limit:
		c.Exceeded(s.At(e.Offset), "the model's configuration: %s", e.Msg)
		return
	case err != nil:
		c.Addf(formats.RuleFormatMalformed, where, "the model's configuration is no JSON: %v", err)
		return
	case duplicates:
		c.Addf(formats.RuleFormatMalformed, where, "the model's configuration has a key twice in one object")
	}
	k := &config{c: c, s: s}
	k.walk(root, "config")
}

// config is the state of one configuration's inspection.
type config struct {
	c *formats.Context
	s *formats.Source
}

func (k *config) add(rule string, path, format string, args ...any) {
	k.c.Addf(rule, k.s.Key(path), format, args...)
}

// walk judges every object in n; the reader has bounded how deep they nest.
func (k *config) walk(n *strictjson.Node, path string) {
	if n == nil || k.c.Stopped() {
		return
	}
	if n.Kind == strictjson.ObjectStart && n.Get("class_name").String() != "" {
		path += "/" + clip(n.Get("class_name").String())
		k.object(n, path)
	}
	for i, child := range n.Children {
		if i < len(n.Keys) {
			k.member(n.Keys[i], child, path)
		}
		k.walk(child, path)
	}
}

func clip(s string) string { return s[:min(len(s), 60)] }

// member judges a member by its key alone, in whatever object it stands.
func (k *config) member(key string, v *strictjson.Node, path string) {
	switch {
	case key == "function_type" && v.String() == "lambda", key == "output_shape_type" && v.String() == "lambda", key == "mask_type" && v.String() == "lambda":
		k.add(formats.RuleKerasLambda, path, "%s is lambda: Python byte code in the configuration", key)
	case key == "enable_unsafe_deserialization":
		k.add(formats.RuleRemoteCode, path, "%s switches off Keras's own guard", key)
	}
}

// object judges an object by the class that it names.
func (k *config) object(n *strictjson.Node, path string) {
	class := n.Get("class_name").String()
	switch last := class[strings.LastIndexByte(class, '>')+1:]; last {
	case "Lambda", "__lambda__":
		k.add(formats.RuleKerasLambda, path, "a %s runs Python from the configuration", last)
	case "TorchModuleWrapper":
		k.add(formats.RuleKerasLambda, path, "a TorchModuleWrapper unpickles a module from the configuration")
	case "TFSMLayer":
		k.add(formats.RuleGraphFileAccess, path, "a TFSMLayer loads the SavedModel at %.100q", n.Get("config").Get("filepath").String())
	case "StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization":
		if v := n.Get("config").Get("vocabulary").String(); v != "" {
			k.add(formats.RuleGraphFileAccess, path, "a %s reads its vocabulary from %.100q", last, v)
		}
	}
	if m := n.Get("module").String(); m != "" {
		k.module(n, m, class, path)
	}
	if name := n.Get("registered_name").String(); custom(name) {
		k.add(formats.RuleCustomOps, path, "the object %.80q is custom: the program that loads the model must define it", name)
	}
}

// custom says whether a registered name belongs to no package of Keras.
func custom(name string) bool {
	pkg, _, found := strings.Cut(name, ">")
	switch pkg {
	case "keras", "keras_hub", "keras_nlp", "keras_cv", "keras_tuner":
		return false
	}
	return found
}

// kerasPackages are the packages whose modules Keras's own objects come from.
var kerasPackages = []string{"keras", "tf_keras", "keras_core", "keras_hub", "keras_nlp", "keras_cv", "tensorflow.keras", "tensorflow.python.keras"}

// functionModules are the parts of Keras whose functions are values of a model (activations, losses, ...).
var functionModules = map[string]bool{
	"activations": true, "initializers": true, "losses": true, "metrics": true, "regularizers": true, "constraints": true,
	"ops": true, "optimizers": true, "layers": true, "random": true, "quantizers": true, "dtype_policies": true,
}

// forbiddenModules are the parts of Keras that fetch, unpack, read or configure: no object of a model is from there.
var forbiddenModules = map[string]bool{"utils": true, "saving": true, "config": true, "legacy": true, "export": true, "distribution": true}

// module judges the module that an object is imported from.
func (k *config) module(n *strictjson.Node, module, class, path string) {
	if module == "builtins" {
		k.builtin(n.Get("config").String(), class, path)
		return
	}
	rest, ok := inKeras(module)
	if !ok {
		k.add(formats.RuleRemoteCode, path, "imports %.100q, which is no part of Keras", module+"."+class)
		return
	}
	part, _, _ := strings.Cut(strings.TrimPrefix(rest, "src."), ".")
	if forbiddenModules[part] || class == "function" && !functionModules[part] {
		k.add(formats.RuleRemoteCode, path, "takes %.100q, which is no part of a model", module+"."+class+" "+n.Get("config").String())
	}
}

// harmful are the builtins that run or change something when a model's code calls them. Keras writes the module
// "builtins" for every function that it does not know, so other names are the program's own, to be defined by it.
var harmful = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields("breakpoint compile delattr eval exec exit filter getattr globals help input locals map " +
		"memoryview object open quit setattr super type vars __import__ __build_class__ __loader__ __spec__") {
		set[name] = true
	}
	return set
}()

// builtin judges an object of the module "builtins".
func (k *config) builtin(name, class, path string) {
	if class != "function" || harmful[name] {
		k.add(formats.RuleRemoteCode, path, "takes %.100q from Python's builtins", strings.TrimSpace(class+" "+name))
		return
	}
	k.add(formats.RuleCustomOps, path, "the function %.80q is custom: the program that loads the model must define it", name)
}

// inKeras returns a module's name inside its Keras package.
func inKeras(module string) (rest string, ok bool) {
	for _, p := range kerasPackages {
		if module == p {
			return "", true
		}
		if rest, ok := strings.CutPrefix(module, p+"."); ok {
			return rest, true
		}
	}
	return "", false
}
