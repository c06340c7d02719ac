package gen

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// A Sample is one file of the sample tree.
type Sample struct {
	Path string
	Data []byte
	Link string // not empty: a symbolic link with this target
	// Refused says what is to come of it when it is judged on content alone: "" when it is admitted, else a rule that must
	// be among its findings. A link that leaves the tree has none.
	Refused string
}

const template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"

// hostileTemplate is the shape of CVE-2024-34359, with a marker file as its payload.
func hostileTemplate(marker string) string {
	return "{% for c in ''.__class__.__mro__[1].__subclasses__() %}{{ c.__init__.__globals__['os'].system(\"touch '" +
		marker + "'\") }}{% endfor %}"
}

// Tensors are what every sample model holds.
func Tensors() []Tensor {
	return []Tensor{Ramp("embed.weight", -4, 16, 8), Ramp("layer.0.weight", 1, 8, 8), Ramp("layer.0.bias", 0.5, 8)}
}

// Samples are the files of the sample tree. marker is the file that hostile payloads would create.
func Samples(marker string) []Sample {
	tensors := Tensors()
	good := Safetensors(tensors, nil)
	samples := []Sample{
		{Path: "README.md", Data: []byte("# Sample models\n\nSmall files of the common formats; some are hostile on purpose.\n")},
		{Path: "bert-tiny/config.json", Data: []byte(`{"model_type":"bert","hidden_size":8}`)},
		{Path: "bert-tiny/model.safetensors", Data: good},
		{Path: "bert-tiny/pytorch_model.bin", Data: TorchZip(tensors, "")},
		{Path: "old/legacy.pt", Data: TorchLegacy(tensors, "")},
		{Path: "old/tar.pt", Data: TorchTar(tensors, TarNowhere, "")},
		{Path: "old/metadata.pkl", Data: Harmless()},
		{Path: "llama-tiny/tiny.gguf", Data: GGUF(tensors, [2]string{"general.architecture", "llama"}, [2]string{"tokenizer.chat_template", template})},

		{Path: "hostile/os-system.pkl", Data: Hostile(marker), Refused: "global_dangerous"},
		{Path: "hostile/eval.pkl", Data: HostileBuiltin(marker), Refused: "global_dangerous"},
		{Path: "hostile/weights.pt", Data: TorchZip(tensors, marker), Refused: "global_dangerous"},
		{Path: "hostile/legacy.pt", Data: TorchLegacy(tensors, marker), Refused: "global_dangerous"},
		{Path: "hostile/tar.pt", Data: TorchTar(tensors, TarInStorage, marker), Refused: "global_dangerous"},
		{Path: "hostile/renamed.safetensors", Data: Hostile(marker), Refused: "global_dangerous"},
		{Path: "hostile/template.gguf", Data: GGUF(tensors, [2]string{"general.architecture", "llama"}, [2]string{"tokenizer.chat_template", hostileTemplate(marker)}), Refused: "template_injection"},
		{Path: "broken/cut.pkl", Data: Harmless()[:20], Refused: "pickle_malformed"},
		{Path: "broken/overlap.safetensors", Data: SafetensorsOverlap(), Refused: "format_malformed"},
		{Path: "broken/huge-header.safetensors", Data: SafetensorsHuge(), Refused: "format_malformed"},
		{Path: "broken/swapped.safetensors", Data: Safetensors(tensors[1:], nil), Refused: "checksum_mismatch"},
		{Path: "broken/checksums.txt", Data: []byte(sum(good) + "  swapped.safetensors\n")},
		{Path: "odd/name\x1b[31mred\n.safetensors", Data: good},
		{Path: "odd/out-of-the-tree", Link: "/etc/hostname"},
		{Path: "odd/link.safetensors", Link: "../bert-tiny/model.safetensors"},
	}
	return append(samples, hubCache("hub", good, TorchZip(tensors, marker))...)
}

// hubCache is one repository as huggingface_hub keeps it: blobs named by digest (SHA-256 for large files, git's SHA-1 for
// the rest), and a snapshot of links to them.
func hubCache(dir string, weights, hostile []byte) []Sample {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	config := []byte(`{"model_type":"bert","hidden_size":8}` + "\n")
	repo := dir + "/models--acme--tiny"
	blob := func(name string, data []byte, refused string) Sample {
		return Sample{Path: repo + "/blobs/" + name, Data: data, Refused: refused}
	}
	link := func(name, blob string) Sample {
		return Sample{Path: repo + "/snapshots/" + revision + "/" + name, Link: "../../blobs/" + blob}
	}
	return []Sample{
		{Path: repo + "/refs/main", Data: []byte(revision)},
		blob(gitSum(config), config, ""), link("config.json", gitSum(config)),
		blob(sum(weights), weights, ""), link("model.safetensors", sum(weights)),
		blob(sum(hostile), hostile, "global_dangerous"), link("pytorch_model.bin", sum(hostile)),
	}
}

func sum(data []byte) string {
	d := sha256.Sum256(data)
	return hex.EncodeToString(d[:])
}

func gitSum(data []byte) string {
	d := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(data), data))
	return hex.EncodeToString(d[:])
}

// Write puts the sample tree into dir, which must not be there yet.
func Write(dir, marker string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, s := range Samples(marker) {
		name := filepath.Join(dir, s.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		var err error
		if s.Link != "" {
			err = os.Symlink(s.Link, name)
		} else {
			err = os.WriteFile(name, s.Data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
