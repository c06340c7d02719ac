package all

import (
	"trustfs/formats"
	"trustfs/formats/gguf"
	"trustfs/formats/keras"
	"trustfs/formats/native"
	"trustfs/formats/safetensors"
	"trustfs/formats/text"
)

// A family groups formats that may lie in one file without contradicting each other (a torch archive is a zip).
// Families are compared only where both are strong: told by a signature or structure that no other format has by chance.
type family string

const weak family = "" // text and the like: true of many files, never part of a polyglot

// An entry is one inspector and the family of its format.
type entry struct {
	formats.Inspector
	family family
}

// table lists every inspector. The first that detects a file names its format; all that detect it inspect it. The more
// special stands before the more general: a joblib file is a pickle too.
var table = []entry{
	{safetensors.Inspector{}, "safetensors"},
	{gguf.Inspector{}, "GGUF"},
	{keras.H5{}, "HDF5"},
	{native.Inspector{}, "native code"},
	{text.Images{}, "an image"},
	{text.Inspector{}, weak},
}
