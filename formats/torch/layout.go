package torch

import (
	"path"
	"strings"

	"trustfs/formats/archive"
)

// A layout says what a zip archive's members mean to torch. Names are compared without case, as miniz looks them up.
type layout struct {
	pickles  []*archive.Member            // data.pkl and constants.pkl, in any folder
	storages map[string][]*archive.Member // members that can be tensor storages, by lower-case name
	code     []*archive.Member            // TorchScript sources
	debug    []*archive.Member            // where TorchScript's sources came from: pickles
	sources  []*archive.Member            // torch.package: Python sources
	native   []*archive.Member            // AOTInductor: what is loaded as code
	order    []*archive.Member            // what says in which byte order the storages are
	script   bool                         // torch.load takes it for TorchScript
	packaged bool
	pt2      bool
}

// layoutOf sorts the members. The second result says whether any torch loader would take the archive.
func layoutOf(z *archive.Zip) (*layout, bool) {
	l := &layout{storages: map[string][]*archive.Member{}}
	for _, m := range z.Members {
		name := strings.ToLower(m.Name)
		_, rest, ok := strings.Cut(name, "/") // what torch takes is below one folder of any name
		if !ok {
			rest = name
		}
		base := path.Base(name)
		switch {
		case base == "data.pkl" || base == "constants.pkl":
			l.pickles = append(l.pickles, m)
		case strings.HasPrefix(rest, "code/") && path.Ext(base) == ".py":
			l.code = append(l.code, m)
		case strings.HasPrefix(rest, "code/") && strings.HasSuffix(base, ".debug_pkl"):
			l.debug = append(l.debug, m)
		case base == "byteorder":
			l.order = append(l.order, m)
		case rest == ".data/extern_modules":
			l.packaged = true
		case path.Ext(base) == ".py":
			l.sources = append(l.sources, m)
		case rest == "archive_format", rest == "serialized_exported_program.json" || name == "serialized_exported_program.json":
			l.pt2 = true
		case strings.Contains("/"+rest, "/data/aotinductor/") && nativeSuffix[path.Ext(base)]:
			l.native = append(l.native, m)
			l.pt2 = true
		case storageFolder(path.Base(path.Dir(name))):
			l.storages[name] = append(l.storages[name], m)
		}
	}
	l.script = isScript(z)
	return l, len(l.pickles) > 0 || len(l.code) > 0 || l.packaged || l.pt2
}

// isScript says that torch.load leaves the archive to torch's C++ reader of TorchScript, for which it has to find the
// record constants.pkl, in this spelling, in the archive's one folder (torch/serialization.py, _is_torchscript_zip;
// caffe2/serialize/inline_container.cc, getAllRecords, raises for a member outside of it). Any other archive Python
// unpickles, whatever else it holds.
func isScript(z *archive.Zip) bool {
	root, script := "", false
	for n, m := range z.Members {
		folder, rest, ok := strings.Cut(m.Name, "/")
		if !ok || n > 0 && folder != root {
			return false
		}
		root = folder
		script = script || m.Central && rest == "constants.pkl"
	}
	return script
}

// nativeSuffix are AOTInductor's products: a shared object that dlopen runs, and kernels for the GPU.
var nativeSuffix = map[string]bool{".so": true, ".cubin": true, ".hsaco": true, ".o": true, ".dll": true, ".dylib": true}

// storageFolder: data/0 of data.pkl, constants/0 of constants.pkl, .data/0.storage of a package's pickles.
func storageFolder(name string) bool {
	return name == "data" || name == ".data" || name == "constants" || name == "tensors"
}
