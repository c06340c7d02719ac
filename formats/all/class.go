package all

import (
	"slices"
	"strings"

	"trustfs/formats"
)

// modelExtensions make a file a model whatever it holds: some loader opens such a name without looking further.
var modelExtensions = extensionSet("bin pt pth ckpt pkl pickle p pckl joblib safetensors gguf ggml ggla ggjt onnx h5 hdf5 " +
	"he5 keras pb pbtxt tflite lite npy npz msgpack flax model mar nemo pt2 ptl pte jit torchscript dill dat skops " +
	"pdparams pdmodel pdiparams caffemodel mlmodel mlpackage engine plan trt params weights t7 th net bst ubj cbm " +
	"mnn rknn ncnn cntk dnn distcp orbax llamafile cloudpickle rds rdata")

// textModelExtensions are among them those whose usual content is text for some program (LightGBM, XGBoost, pbtxt).
var textModelExtensions = extensionSet("model pbtxt dat params weights bst cbm")

func extensionSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, e := range strings.Fields(list) {
		set[e] = true
	}
	return set
}

// hasExtension returns the first name of s whose extension is in set.
func hasExtension(s *formats.Source, set map[string]bool) (name string, ok bool) {
	i := slices.IndexFunc(s.Names, func(n string) bool { return set[formats.Extension(n)] })
	if i < 0 {
		return "", false
	}
	return s.Names[i], true
}

// classify sets the class of the file, its format where no inspector knew it, and the findings that depend on both.
func classify(c *formats.Context, s *formats.Source, found []entry) {
	modelName, isModel := hasExtension(s, modelExtensions)
	isCode := slices.ContainsFunc(s.Names, formats.CodeName)
	r := &c.Result
	switch {
	case len(found) == 0 && s.Size == 0 && !isModel && !isCode:
		r.Format, r.Class = formats.FormatDocument, formats.ClassDocument
	case len(found) == 0 && isCode && !isModel:
		r.Format, r.Class = formats.FormatCode, formats.ClassCode
	case len(found) == 0:
		r.Format, r.Class = formats.FormatOpaque, formats.ClassOpaque
	case r.Format == formats.FormatDocument:
		r.Class = formats.ClassDocument
	case r.Format == formats.FormatCode:
		r.Class = formats.ClassCode
	default:
		r.Class = formats.ClassModel
	}
	if isCode && r.Class == formats.ClassDocument {
		r.Format, r.Class = formats.FormatCode, formats.ClassCode
	}
	if isModel && r.Class != formats.ClassModel {
		unknownModel(c, s, modelName)
		r.Class = formats.ClassModel
	}
	polyglot(c, s, found)
}

// unknownModel says that a loader which goes by the name would read bytes that are no model trustfs knows.
func unknownModel(c *formats.Context, s *formats.Source, name string) {
	switch c.Result.Format {
	case formats.FormatDocument:
		if _, ok := hasExtension(s, textModelExtensions); ok {
			return
		}
		head := make([]byte, 64)
		n, _ := s.R.ReadAt(head[:min(int64(len(head)), s.Size)], 0)
		if strings.HasPrefix(string(head[:n]), "version https://git-lfs.github.com/spec/") {
			c.Addf(formats.RuleFormatUnknown, "", "%s is a Git LFS pointer, not the model: fetch it with git lfs pull", name)
			return
		}
		c.Addf(formats.RuleFormatUnknown, "", "%s holds text where a model's bytes are expected", name)
	case formats.FormatCode:
		c.Addf(formats.RuleFormatUnknown, "", "%s holds program code where a model's bytes are expected", name)
	default:
		if s.Size == 0 {
			c.Addf(formats.RuleFormatUnknown, "", "%s is empty", name)
			return
		}
		c.Addf(formats.RuleFormatUnknown, "", "%s holds bytes of no known model format", name)
	}
}

// polyglot convicts bytes that loaders of two unrelated formats would both accept.
func polyglot(c *formats.Context, s *formats.Source, found []entry) {
	var strong []string
	for _, e := range found {
		if e.family != weak && !slices.Contains(strong, string(e.family)) {
			strong = append(strong, string(e.family))
		}
	}
	if len(strong) > 1 {
		c.Addf(formats.RulePolyglot, s.Where, "the same bytes are %s", strings.Join(strong, " and "))
	}
}
