package quantize

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"trustfs/integrity"
)

// DefaultTool is the quantizer's name on PATH: llama.cpp's.
const DefaultTool = "llama-quantize"

// A Tool is the quantizer with the digest of its program file.
type Tool struct {
	Path   string
	SHA256 integrity.Digest
}

// FindTool finds the quantizer (name: a path, or empty for DefaultTool on PATH) and works out its digest. wanted, if not
// empty, is the digest that it must have.
func FindTool(ctx context.Context, name, wanted string) (Tool, error) {
	if name == "" {
		found, err := exec.LookPath(DefaultTool)
		if err != nil {
			return Tool{}, fmt.Errorf("no quantizer: %s is not on PATH; build llama.cpp's, and name it with --quantizer FILE", DefaultTool)
		}
		name = found
	}
	path, err := filepath.Abs(name)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return Tool{}, fmt.Errorf("quantizer: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return Tool{}, fmt.Errorf("quantizer: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Tool{}, fmt.Errorf("quantizer: %w", err)
	}
	if !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
		return Tool{}, fmt.Errorf("quantizer: %s is no program", path)
	}
	m, err := integrity.Build(ctx, f, st.Size(), nil)
	if err != nil {
		return Tool{}, fmt.Errorf("quantizer: %s: %w", path, err)
	}
	if wanted != "" && wanted != m.Digest.String() {
		return Tool{}, fmt.Errorf("quantizer: %s has the SHA-256 %s, expected %s; if it was replaced on purpose, name the new digest", path, m.Digest, wanted)
	}
	return Tool{Path: path, SHA256: m.Digest}, nil
}

// counted is how llama-quantize says how far it is: "[  12/ 291]   blk.0.attn_k.weight - ...".
var counted = regexp.MustCompile(`^\[\s*([0-9]{1,9})/\s*([0-9]{1,9})\]`)

func progressOf(tell func(done, total int)) func(line string) {
	if tell == nil {
		return nil
	}
	return func(line string) {
		if m := counted.FindStringSubmatch(line); m != nil {
			done, _ := strconv.Atoi(m[1])
			total, _ := strconv.Atoi(m[2])
			tell(done, total)
		}
	}
}
