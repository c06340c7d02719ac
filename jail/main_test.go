package jail

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"trustfs/integrity"
)

// The red team's worker binary, and the real one.
var hostileWorker, realWorker string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "trustfs-jail-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // workers may be nobody
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		hostileWorker, realWorker = filepath.Join(dir, "hostile"), filepath.Join(dir, workerName)
		for out, pkg := range map[string]string{hostileWorker: "./testdata/hostile", realWorker: "../cmd/trustfs-worker"} {
			cmd := exec.Command("go", "build", "-o", out, pkg)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
			if text, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "building %s: %v\n%s", pkg, err, text)
				return 1
			}
		}
		return m.Run()
	}())
}

// newTestPool is a small pool of hostile workers.
func newTestPool(t testing.TB, change func(*Config)) *Pool {
	t.Helper()
	cfg := Config{WorkerPath: hostileWorker, PoolSize: 3, MaxWorkers: 4}
	if change != nil {
		change(&cfg)
	}
	p, err := NewPool(cfg)
	if err != nil {
		t.Fatalf("this host does not give the jail that the tests need: %v", err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// testFile is a file with content and the manifest of that content.
func testFile(t testing.TB, content []byte) (*os.File, *integrity.Manifest) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	m, err := integrity.Build(t.Context(), bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, m
}

// testJob is a job over a small file.
func testJob(t testing.TB, task string, req any) Job {
	f, m := testFile(t, []byte("model"))
	return Job{Task: task, File: f, Manifest: m, Request: req}
}

// eventually waits for a condition that other processes bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}
