package all

import (
	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/flax"
	"trustfs/formats/gguf"
	"trustfs/formats/joblib"
	"trustfs/formats/keras"
	"trustfs/formats/native"
	"trustfs/formats/numpy"
	"trustfs/formats/onnx"
	"trustfs/formats/pickle"
	"trustfs/formats/safetensors"
	"trustfs/formats/skops"
	"trustfs/formats/tensorflow"
	"trustfs/formats/text"
	"trustfs/formats/tokenizer"
	"trustfs/formats/torch"
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
// special stands before the more general: a legacy torch file is a pickle too.
var table = append([]entry{
	{safetensors.Inspector{}, "safetensors"},
	{gguf.Inspector{}, "GGUF"},
	{gguf.GGML{}, "GGUF"},
	{keras.H5{}, "HDF5"},
	{archive.Inspector{Flavors: flavors}, "a zip archive"},
	{archive.Tar{Flavors: []archive.TarFlavor{torch.Tar{}}}, "a tar archive"},
	{archive.SevenZip{}, "a 7z archive"},
	{numpy.NPY{}, "npy"},
	{torch.Legacy{}, "a pickle"},
	{joblib.Companions{}, "a pickle"},
	{pickle.Inspector{}, "a pickle"},
	// A zip of labels behind a TensorFlow Lite model is that format's own metadata.
	{tensorflow.TFLite{}, "a zip archive"},
	{tensorflow.Inspector{}, "a TensorFlow graph"},
	{onnx.Inspector{}, "an ONNX model"},
	{tokenizer.SentencePiece{}, "a vocabulary"},
	{flax.Inspector{}, "MessagePack"},
	{native.Inspector{}, "native code"},
	{text.Images{}, "an image"},
	{text.Inspector{}, weak},
}, streams()...)

// flavors are the formats that are zip archives.
var flavors = []archive.Flavor{torch.Zip{}, numpy.NPZ{}, skops.Flavor{}, keras.Zip{}}

// streams are the compressions of single files.
func streams() []entry {
	var out []entry
	for _, s := range archive.Streams {
		out = append(out, entry{s, "compressed"})
	}
	return out
}
