package jail

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

func TestRunAnswers(t *testing.T) {
	p := newTestPool(t, nil)
	for range 10 {
		got, err := p.Run(t.Context(), testJob(t, "echo", map[string]int{"a": 1}))
		if err != nil || string(got) != `{"a":1}` {
			t.Fatalf("got %s, %v", got, err)
		}
	}
	if got, err := p.Run(t.Context(), testJob(t, "garbage", nil)); err != nil {
		t.Fatalf("a worker that collects garbage: %s %v", got, err)
	}
}

// The runtime starts threads when it likes, long after the filter is on.
func TestRunWithNewThreads(t *testing.T) {
	p := newTestPool(t, nil)
	if got, err := p.Run(t.Context(), testJob(t, "threads", nil)); err != nil || string(got) != "20" {
		t.Fatalf("a worker that needs threads: %s, %v", got, err)
	}
}

func TestRunReadsOnlyJudgedBytes(t *testing.T) {
	p := newTestPool(t, nil)
	content := bytes.Repeat([]byte{1, 2, 3}, 100_000)
	f, m := testFile(t, content)
	side, sm := testFile(t, []byte{7})
	job := Job{Task: "read", File: f, Manifest: m, More: []Input{{side, sm}}}
	got, err := p.Run(t.Context(), job)
	if want := strconv.Itoa(600_007); err != nil || string(got) != want {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
	content[200_000]++
	if err := os.WriteFile(f.Name(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), job)
	var tamper *integrity.TamperError
	if !errors.As(err, &tamper) || tamper.Offset != integrity.ChunkSize {
		t.Fatalf("a changed file gave %v, expected a TamperError at %d", err, integrity.ChunkSize)
	}
}

func TestRunRefusesDescriptors(t *testing.T) {
	p := newTestPool(t, nil)
	f, m := testFile(t, []byte("x"))
	rw, err := os.OpenFile(f.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rw.Close()
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, in := range map[string]Input{
		"writable": {rw, m}, "directory": {dir, m}, "no file": {nil, m}, "no manifest": {f, nil},
	} {
		_, err := p.Run(t.Context(), Job{Task: "read", File: in.File, Manifest: in.Manifest})
		_, reached := errors.AsType[*TaskError](err)
		if err == nil || reached || reasonOf(err) != "" {
			t.Errorf("%s: %v, expected an error before any worker has it", name, err)
		}
	}
}

func TestRunErrors(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.Limits.Wall = time.Second })
	for task, want := range map[string]string{"fail": `no\x1b[31m good`, "panic": "panic: told to", "nonsense": `no task named`} {
		_, err := p.Run(t.Context(), testJob(t, task, nil))
		var te *TaskError
		if !errors.As(err, &te) || !strings.Contains(te.Message, want) {
			t.Errorf("%s: %v, expected a TaskError with %q", task, err, want)
		}
	}
	_, err := p.Run(t.Context(), testJob(t, "sleep", nil))
	if r := reasonOf(err); r != ReasonTimeout {
		t.Errorf("sleep: %v, expected a timeout", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Run(ctx, testJob(t, "sleep", nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
}

func reasonOf(err error) Reason {
	if we, ok := errors.AsType[*WorkerError](err); ok {
		return we.Reason
	}
	return ""
}

func TestReuseTakesTheSameWorker(t *testing.T) {
	p := newTestPool(t, nil)
	job := testJob(t, "echo", 1)
	job.Reuse = true
	for range maxReuse + 5 {
		if _, err := p.Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if len(p.reuse) > 1 {
			t.Fatalf("%d reusable workers after one job at a time", len(p.reuse))
		}
	}
	if n := p.reuse[0].jobs; n != 5 {
		t.Errorf("the reused worker has done %d jobs, expected 5: a worker retires after %d", n, maxReuse)
	}
	job.Task = "fail"
	if _, err := p.Run(t.Context(), job); err == nil || len(p.reuse) != 0 {
		t.Errorf("after a failure (%v) %d workers are kept, expected none", err, len(p.reuse))
	}
}

func TestIdleWorkersKilledAreReplaced(t *testing.T) {
	p := newTestPool(t, nil)
	eventually(t, "idle workers", func() bool { return len(p.idle) == cap(p.idle) })
	for _, pid := range children(t) {
		_ = unix.Kill(pid, unix.SIGKILL)
		var info unix.Siginfo
		_ = unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil) // until it has ended
	}
	if _, err := p.Run(t.Context(), testJob(t, "echo", 1)); err != nil {
		t.Fatal(err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := descriptors(t)
	p, err := NewPool(Config{WorkerPath: hostileWorker, PoolSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(t.Context(), testJob(t, "echo", 1)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := p.Run(t.Context(), testJob(t, "echo", 1)); err == nil {
		t.Error("a closed pool still runs jobs")
	}
	var ws unix.WaitStatus
	if pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
	if after := descriptors(t) - 2; after > before { // the two test files are still open
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// children are the pids of this process's children, ended ones included.
func children(t testing.TB) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(files) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	var pids []int
	for _, f := range files {
		b, _ := os.ReadFile(f) // a thread may have ended
		for _, s := range strings.Fields(string(b)) {
			pid, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
