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

// hostileWorker is the red team's worker binary.
var hostileWorker string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if hostileWorker = os.Getenv("TRUSTFS_JAIL_HOSTILE"); hostileWorker != "" {
			return m.Run() // started by one of the tests, which has built it
		}
		if err := readSources("testdata/hostile", "inside", "wire", "../integrity"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
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
		hostileWorker = filepath.Join(dir, "hostile")
		cmd := exec.Command("go", "build", "-o", hostileWorker, "./testdata/hostile")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the hostile worker: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// readSources reads what the worker is built from: go test's cache knows of the files that a test reads, not of those
// that a compiler reads for it.
func readSources(dirs ...string) error {
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no sources in %s: %w", dir, err)
		}
		for _, f := range files {
			if _, err := os.ReadFile(f); err != nil {
				return err
			}
		}
	}
	return nil
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
