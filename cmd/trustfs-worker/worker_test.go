package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/jail"
	"trustfs/jail/tasks"
	"trustfs/views"
)

// pool builds the real worker and starts a pool of it.
func pool(t *testing.T) *jail.Pool {
	t.Helper()
	dir, err := os.MkdirTemp("", "trustfs-worker-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "trustfs-worker")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := jail.NewPool(jail.Config{WorkerPath: path, PoolSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func inspectIn(t *testing.T, p *jail.Pool, content []byte, names ...string) (formats.Result, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := integrity.Build(t.Context(), bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Run(t.Context(), jail.Job{Task: tasks.Inspect, File: f, Manifest: m,
		Request: tasks.NewInspectRequest(names, []string{"torch", "numpy"}, formats.DefaultBudget())})
	if err != nil {
		return formats.Result{}, err
	}
	return tasks.DecodeResult(b)
}

// TestInspectInTheJail runs the real inspectors under the real filter, over files of several kinds and sizes.
func TestInspectInTheJail(t *testing.T) {
	p := pool(t)
	header := []byte(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`)
	safetensors := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	safetensors = append(safetensors, make([]byte, 8)...)
	for name, c := range map[string]struct {
		content []byte
		file    string
		format  string
		rule    string // that must be found; empty: none at all
	}{
		"safetensors": {safetensors, "model.safetensors", formats.FormatSafetensors, ""},
		"pickle that runs a command": {[]byte("cposix\nsystem\n(S'true'\ntR."), "evil.pkl", formats.FormatPickle,
			formats.RuleGlobalDangerous},
		"text":        {[]byte("hello\n"), "README.md", formats.FormatDocument, ""},
		"large noise": {bytes.Repeat([]byte{0xff, 0x13, 0x77, 0x01}, 2<<20), "x.bin", "", "*"},
		"empty":       {nil, "empty.txt", "", "*"},
	} {
		r, err := inspectIn(t, p, c.content, c.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.format != "" && r.Format != c.format {
			t.Errorf("%s: format %s, expected %s", name, r.Format, c.format)
		}
		found := c.rule == "*" || c.rule == "" && len(r.Findings) == 0
		for _, f := range r.Findings {
			found = found || f.Rule == c.rule
		}
		if !found {
			t.Errorf("%s: findings %+v, expected %q", name, r.Findings, c.rule)
		}
	}
}

func TestInspectRefusesOddRequests(t *testing.T) {
	p := pool(t)
	f, err := os.Open("main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	job := jail.Job{Task: tasks.Inspect, File: f, Manifest: &integrity.Manifest{}}
	var te *jail.TaskError
	if _, err := p.Run(t.Context(), job); !errors.As(err, &te) {
		t.Errorf("no request: %v, expected a TaskError", err)
	}
	job.Request = tasks.InspectRequest{}
	job.More = []jail.Input{{File: f, Manifest: &integrity.Manifest{}}}
	if _, err := p.Run(t.Context(), job); !errors.As(err, &te) {
		t.Errorf("two files: %v, expected a TaskError", err)
	}
}

// TestWaitingWorkersAreSmall measures the real binary with all its inspectors linked in.
func TestWaitingWorkersAreSmall(t *testing.T) {
	p := pool(t)
	if _, err := inspectIn(t, p, []byte("hello\n"), "README.md"); err != nil {
		t.Fatal(err)
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	// The next worker may be anywhere on its way into the jail at this moment: look until one has arrived.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		sizes := workerSizes(t, self)
		for _, rss := range sizes {
			if rss > 20<<10 {
				t.Errorf("a worker has %d KiB resident, expected less than 20 MiB", rss)
			}
			t.Logf("%d KiB", rss)
		}
		if len(sizes) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no worker was measured")
		}
	}
}

// workerSizes are the resident KiB of the children that have become another program than self.
func workerSizes(t *testing.T, self string) (sizes []int) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	for _, list := range lists {
		b, _ := os.ReadFile(list) // a thread may have ended
		for pid := range bytes.FieldsSeq(b) {
			if exe, err := os.Readlink("/proc/" + string(pid) + "/exe"); err != nil || exe == self {
				continue // gone, or between clone and exec: still this program's memory
			}
			status, _ := os.ReadFile("/proc/" + string(pid) + "/status")
			var rss int
			for line := range bytes.Lines(status) {
				_, _ = fmt.Sscanf(string(line), "VmRSS: %d kB", &rss)
			}
			if rss > 0 {
				sizes = append(sizes, rss)
			}
		}
	}
	return sizes
}

// The task Inflate refuses requests that are none, and members that do not lie where they say.
func TestInflateRefusesOddRequests(t *testing.T) {
	p := pool(t)
	f, err := os.Open("main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := integrity.Build(t.Context(), f, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	var te *jail.TaskError
	if _, err := p.Run(t.Context(), jail.Job{Task: tasks.Inflate, File: f, Manifest: m, Output: io.Discard}); !errors.As(err, &te) {
		t.Errorf("no request: %v, expected a TaskError", err)
	}
	for name, member := range map[string]views.Member{
		"nothing that inflates": {Offset: 0, Packed: 100, Size: 50, Method: "deflate"},
		"beyond the end":        {Offset: 1 << 40, Packed: 100, Size: 50, Method: "deflate"},
		"no method":             {Packed: 100, Size: 50},
		"a negative size":       {Packed: 100, Size: -2, Method: "deflate"},
	} {
		b, err := p.Run(t.Context(), jail.Job{Task: tasks.Inflate, File: f, Manifest: m, Output: io.Discard, OutputSize: 1000,
			Request: tasks.InflateRequest{Members: []views.Member{member}}})
		if err == nil {
			var limit string
			if limit, err = tasks.DecodeInflated(b); err == nil && limit == "" {
				t.Errorf("%s: inflated", name)
			}
		} else if !errors.As(err, &te) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
