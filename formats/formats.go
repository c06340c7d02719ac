// Package formats holds the nouns that every inspector of a model format shares: what is inspected (Source), with what
// limits (Context, Budget), and what comes out (Finding, Facts, Result).
//
// Inspectors live in folders below this one, one format or family each, and are listed in one literal table in
// formats/all. They run only in the jailed worker: no package below formats/ may import os or net, execute anything, or
// keep state between two files. They state facts as Findings and know no weights: what a finding costs, and what that
// means for the file, is decided in gatekeeper/.
package formats

import "io"

// Class says how a file is used, which decides what the absence of provenance costs.
type Class string

// The classes of files. The zero value is not a class; a Result without one is treated as ClassOpaque.
const (
	ClassModel    Class = "model"    // a recognised model format, or a model's extension
	ClassCode     Class = "code"     // Python, shared objects, scripts
	ClassDocument Class = "document" // text, JSON, YAML, templates, images
	ClassOpaque   Class = "opaque"   // binary of unknown format: treated as a model
)

// A Finding is one fact that counts against a file.
type Finding struct {
	Rule   string `json:"rule"`             // a Rule* constant
	Where  string `json:"where,omitempty"`  // member path and offset or key: "archive/data.pkl@47", "header:__metadata__.x"
	Detail string `json:"detail,omitempty"` // what was seen: "posix.system"; bounded by MaxDetail
	Preset string `json:"preset,omitempty"` // the allowlist preset that would admit exactly this, if there is one
}

// Facts says what an inspector saw, findings or not.
type Facts struct {
	// Globals lists every "module:qualified.name" that any loader could resolve, allowlisted ones too, sorted, unique.
	Globals []string `json:"globals,omitempty"`
	// Calls lists the callables that a loader would call, with a bounded rendering of their arguments, in stream order.
	Calls      []string `json:"calls,omitempty"`
	Tensors    int64    `json:"tensors,omitempty"`
	Parameters int64    `json:"parameters,omitempty"` // elements over all tensors
	Dtypes     []string `json:"dtypes,omitempty"`     // sorted, unique
	ViewOf     string   `json:"view_of,omitempty"`
	// Extra holds format-specific facts (GGUF architecture, chat template digest, ...): strings, bounded.
	Extra map[string]string `json:"extra,omitempty"`
}

// A Result is all that the analysis of one file says. Its JSON is the worker's answer to the parent.
type Result struct {
	Format    string    `json:"format"` // a Format* name: the first detected, in table order
	Class     Class     `json:"class"`
	Formats   []string  `json:"formats,omitempty"` // every format that some loader would accept, when more than one
	Findings  []Finding `json:"findings"`
	Facts     Facts     `json:"facts"`
	Truncated int       `json:"truncated,omitempty"` // findings beyond MaxFindings: counted, not kept (each rule keeps its first)
}

// A Source is a run of bytes to inspect: the file itself or a member of an archive in it.
type Source struct {
	R    io.ReaderAt
	Size int64
	// Names are the base names under which a loader may find these bytes (several behind a Hugging Face blob, one for
	// an archive member, with its folders). Hostile; used only to widen what is inspected, never to narrow it.
	Names []string
	// Where prefixes positions in findings: "" for the file itself, "archive/data.pkl" for a member.
	Where string
	Depth int // 0 for the file itself, one more for each container around it
}

// An Inspector knows one format or family.
type Inspector interface {
	// Name is the Format* name reported; an inspector of a family may refine it with Context.SetFormat.
	Name() string
	// Detect says whether some loader of this format would accept s, by content. It must be cheap (bounded reads).
	Detect(c *Context, s *Source) bool
	// Inspect adds its findings and facts to c. It must not panic (a panic refuses the file) and must stop when
	// c.Stopped() is true.
	Inspect(c *Context, s *Source)
}

// Names of formats, as reports carry them.
const (
	FormatPickle        = "pickle"
	FormatPytorchZip    = "pytorch-zip"
	FormatPytorchLegacy = "pytorch-legacy"
	FormatPytorchTar    = "pytorch-tar"
	FormatTorchScript   = "torchscript"
	FormatTorchPackage  = "torch-package"
	FormatPT2           = "pt2"
	FormatSafetensors   = "safetensors"
	FormatGGUF          = "gguf"
	FormatGGML          = "ggml"
	FormatONNX          = "onnx"
	FormatKerasH5       = "keras-h5"
	FormatKerasZip      = "keras-zip"
	FormatHDF5          = "hdf5"
	FormatSavedModel    = "tf-savedmodel"
	FormatTFLite        = "tflite"
	FormatNPY           = "npy"
	FormatNPZ           = "npz"
	FormatJoblib        = "joblib"
	FormatSkops         = "skops"
	FormatNemo          = "nemo"
	FormatFlax          = "flax-msgpack"
	FormatZip           = "zip"
	FormatTar           = "tar"
	Format7z            = "7z"
	FormatGzip          = "gzip"
	FormatBzip2         = "bzip2"
	FormatXZ            = "xz"
	FormatLZ4           = "lz4"
	FormatZstd          = "zstd"
	FormatZlib          = "zlib"
	FormatDocument      = "document"
	FormatCode          = "code"
	FormatOpaque        = "opaque"
)
