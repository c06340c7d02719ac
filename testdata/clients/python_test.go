package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/testdata/gen"
)

// samples writes the sample tree; the second result is the marker that a hostile payload would leave.
func samples(t *testing.T) (dir, marker string) {
	t.Helper()
	dir, marker = filepath.Join(t.TempDir(), "models"), filepath.Join(t.TempDir(), "marker")
	if err := gen.Write(dir, marker); err != nil {
		t.Fatal(err)
	}
	return dir, marker
}

func TestTorchAndSafetensors(t *testing.T) {
	venv := filepath.Join(prepared(t), "venv", "bin", "python")
	dir, marker := samples(t)
	out := run(t, nil, venv, "readers.py", dir, serve(t, dir))
	if !strings.HasPrefix(out, "ok ") {
		t.Errorf("readers.py said %q", out)
	}
	if _, err := os.Lstat(marker); err == nil {
		t.Error("a hostile payload ran: its marker is there")
	}
}

func TestTransformers(t *testing.T) {
	top := prepared(t)
	models := filepath.Join(top, "models")
	env := []string{"HF_HUB_OFFLINE=1", "HF_HOME=" + t.TempDir(), "TRANSFORMERS_VERBOSITY=error"}
	if out := run(t, env, filepath.Join(top, "venv", "bin", "python"), "pretrained.py", models, serve(t, models)); out != "ok\n" {
		t.Errorf("pretrained.py said %q", out)
	}
}

// llama.cpp must answer the same from the mount as from the plain directory, mapped, read, and read past the page cache.
func TestLlama(t *testing.T) {
	top := prepared(t)
	python := filepath.Join(top, "venv", "bin", "python")
	gemma := filepath.Join(top, "models", "gemma")
	const name = "gemma-3-270m.Q4_K_M.gguf"
	ask := func(dir, how string) string {
		t.Helper()
		for line := range strings.Lines(run(t, nil, python, "llama.py", filepath.Join(dir, name), how)) {
			if answer, found := strings.CutPrefix(line, "ANSWER"); found {
				return answer
			}
		}
		t.Fatal("no answer")
		return ""
	}
	want := ask(gemma, "mmap")
	if len(strings.TrimSpace(want)) < 5 {
		t.Fatalf("the plain answer is %q", want)
	}
	point := serve(t, gemma)
	for _, how := range []string{"mmap", "none", "direct_io"} {
		if got := ask(point, how); got != want {
			t.Errorf("%s through the mount: %q, plain: %q", how, got, want)
		}
	}
}
