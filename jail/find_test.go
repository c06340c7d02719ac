package jail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A worker in the installation that others might have put there is an error, and no other is taken instead.
func TestAForeignWorkerIsNotPassedOver(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	planted, path := filepath.Join(filepath.Dir(exe), workerName), t.TempDir()
	for _, name := range []string{planted, filepath.Join(path, workerName)} {
		if err := os.WriteFile(name, []byte("#!/bin/true\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Remove(planted) })
	t.Setenv("PATH", path)
	if p, err := FindWorker(""); err != nil || filepath.Base(p) != workerName || filepath.Dir(p) == path {
		t.Errorf("the worker beside the program: %q, %v", p, err)
	}
	if err := os.Chmod(planted, 0o777); err != nil {
		t.Fatal(err)
	}
	if p, err := FindWorker(""); err == nil || !strings.Contains(err.Error(), "lets everybody write") {
		t.Errorf("a worker that everybody may write: %q, %v", p, err)
	}
	if err := os.Remove(planted); err != nil {
		t.Fatal(err)
	}
	if p, err := FindWorker(""); err != nil || p != filepath.Join(path, workerName) {
		t.Errorf("the one in PATH: %q, %v", p, err)
	}
}
