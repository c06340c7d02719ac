package formats

import (
	"path"
	"strings"
)

// codeExtensions make a file of unknown content code: somebody runs or imports it by that name.
var codeExtensions = map[string]bool{}

func init() {
	for e := range strings.FieldsSeq("py pyc pyo pyw pyx pyd so dylib dll exe com sh bash zsh fish bat cmd ps1 js mjs ts rb pl lua r " +
		"jl php jar class wasm node ko o a elf cubin ptx cu hsaco metallib") {
		codeExtensions[e] = true
	}
}

// Extension is the lower-case extension of a name without its dot. Versioned shared objects (libx.so.1.2) count as so.
func Extension(name string) string {
	name = strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if strings.Contains(name, ".so.") {
		return "so"
	}
	return strings.TrimPrefix(path.Ext(name), ".")
}

// CodeName says whether somebody would run or import a file for its name alone.
func CodeName(name string) bool { return codeExtensions[Extension(name)] }
