package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// columns are the jails that the red team tries: each layer alone, and all.
var columns = []struct {
	name, short string
	on          layers
}{
	{"namespaces", "ns", layerNamespaces}, {"Landlock", "ll", layerLandlock}, {"no capabilities", "caps", layerNamespaces | layerCaps},
	{"limits", "lim", layerNamespaces | layerLimits}, {"seccomp", "sec", layerSeccomp}, {"all", "all", allLayers},
}

// target is what the hostile worker's tasks take; see testdata/hostile.
type target struct {
	Attack           string
	Victim           int
	Socket, Abstract string
	Port             int
	Secret, Dir      string
}

type listed struct {
	Group, Name, Stops string
	Slow               bool
}

// TestRedTeam has a hostile worker try everything on its list in each jail. With all layers on nothing succeeds, each
// layer alone stops what it claims, and honest jobs beside it never notice.
func TestRedTeam(t *testing.T) {
	attacks := listAttacks(t)
	if len(attacks) < 60 {
		t.Fatalf("the red team knows %d attacks, expected at least 60", len(attacks))
	}
	stop, honest := honestJobs(t)
	table := map[string]map[string]string{}
	for _, col := range columns {
		table[col.short] = tryAll(t, attacks, col.on)
	}
	if n := stop(); n == 0 {
		t.Error("no honest job ran beside the attacks")
	}
	for _, err := range *honest {
		t.Errorf("an honest job beside the attacks: %v", err)
	}
	for _, a := range attacks {
		if got := table["all"][a.Name]; got == "open" {
			t.Errorf("%s: succeeds in the whole jail", a.Name)
		}
		for claim := range strings.FieldsSeq(a.Stops) {
			if got, ok := table[claim][a.Name]; !ok || got == "open" {
				t.Errorf("%s: layer %s alone claims to stop it, but it is %q", a.Name, claim, got)
			}
		}
	}
	checkDocument(t, attacks, table)
}

func listAttacks(t *testing.T) []listed {
	t.Helper()
	b, err := newTestPool(t, nil).Run(t.Context(), testJob(t, "list", nil))
	if err != nil {
		t.Fatal(err)
	}
	var attacks []listed
	if err := json.Unmarshal(b, &attacks); err != nil {
		t.Fatal(err)
	}
	return attacks
}

// tryAll gives the outcome of each attack: "open" when it succeeded, "killed" when it was fatal to the worker, "ended"
// when a limit ended it, otherwise the error that denied it.
func tryAll(t *testing.T, attacks []listed, on layers) map[string]string {
	t.Helper()
	p := newTestPool(t, func(c *Config) {
		c.without = allLayers &^ on
		c.Limits = Limits{Wall: 15 * time.Second, CPU: time.Second}
	})
	defer p.Close()
	goal := newTarget(t)
	before := content(t, goal)
	out := map[string]string{}
	for _, a := range attacks {
		if a.Slow && !on.has(layerLimits) {
			out[a.Name] = "untried"
			continue
		}
		goal.Attack = a.Name
		job := testJob(t, "attack", goal)
		b, err := p.Run(t.Context(), job)
		we, isWorker := errors.AsType[*WorkerError](err)
		switch {
		case err == nil:
			if err := json.Unmarshal(b, new(string)); err != nil {
				t.Fatalf("%s: %v", a.Name, err)
			}
			out[a.Name] = strings.Trim(string(b), `"`)
		case isWorker && we.Reason == ReasonViolation:
			out[a.Name] = "killed"
		case isWorker && (we.Reason == ReasonLimit || we.Reason == ReasonTimeout || we.Reason == ReasonCrashed):
			out[a.Name] = "ended"
		default:
			t.Errorf("%s: unexpected %v", a.Name, err)
		}
		b, err = os.ReadFile(job.File.Name())
		if st, _ := os.Stat(job.File.Name()); err != nil || string(b) != "model" || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: the judged file is now %q %v, %v", a.Name, b, st.Mode(), err)
		}
	}
	if after := content(t, goal); on == allLayers && after != before {
		t.Errorf("the attacks changed the host:\n%s\nwas\n%s", after, before)
	}
	return out
}

// newTarget makes what the attacks attack: a process of the worker's own user, sockets, files that everybody may write.
func newTarget(t *testing.T) *target {
	t.Helper()
	dir, err := os.MkdirTemp("", "trustfs-red-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	g := &target{Dir: dir, Secret: filepath.Join(dir, "secret"), Socket: filepath.Join(dir, "socket"), Abstract: filepath.Base(dir)}
	for _, f := range []string{g.Secret, filepath.Join(dir, "removable"), filepath.Join(dir, "owned")} {
		if err := os.WriteFile(f, []byte("secret"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command("sleep", "1000")
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(dir, "owned"), nobody, nobody); err != nil {
			t.Fatal(err)
		}
		victim.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = victim.Process.Kill(); _ = victim.Wait() })
	g.Victim = victim.Process.Pid
	for _, l := range []struct{ network, address string }{{"unix", g.Socket}, {"unix", "@" + g.Abstract}, {"tcp4", "127.0.0.1:0"}} {
		listener, err := net.Listen(l.network, l.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		if a, ok := listener.Addr().(*net.TCPAddr); ok {
			g.Port = a.Port
		}
	}
	if err := os.Chmod(g.Socket, 0o777); err != nil {
		t.Fatal(err)
	}
	shm, err := unix.SysvShmGet(0x74727573, 4096, unix.IPC_CREAT|0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(shm, unix.IPC_RMID, nil) })
	return g
}

// content describes the target's directory.
func content(t *testing.T, g *target) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(g.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, e.Name(), st.Mode(), st.Size())
	}
	return b.String()
}

// honestJobs runs honest jobs until the returned function is called, which says how many there were.
func honestJobs(t *testing.T) (stop func() int64, errs *[]error) {
	t.Helper()
	p := newTestPool(t, nil)
	job := testJob(t, "read", nil)
	var n atomic.Int64
	var wg sync.WaitGroup
	done := make(chan struct{})
	errs = new([]error)
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if b, err := p.Run(t.Context(), job); err != nil || string(b) != "529" { // m+o+d+e+l
				*errs = append(*errs, fmt.Errorf("answer %q: %w", b, err))
			}
			n.Add(1)
		}
	})
	return func() int64 { close(done); wg.Wait(); return n.Load() }, errs
}

// TestLies: whatever a worker answers that is no answer, the job fails with a reason, and says nothing raw.
func TestLies(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.Limits.Wall = time.Second })
	b, err := p.Run(t.Context(), testJob(t, "lies", nil))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := json.Unmarshal(b, &names); err != nil || len(names) < 10 {
		t.Fatalf("%v: %d lies", err, len(names))
	}
	for _, reuse := range []bool{false, true} {
		for _, name := range names {
			job := testJob(t, "lie", name)
			job.Reuse = reuse
			b, err := p.Run(t.Context(), job)
			if _, ok := errors.AsType[*WorkerError](err); !ok || b != nil {
				t.Errorf("%s: %q, %v; expected a WorkerError and nothing else", name, b, err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\a\n") {
				t.Errorf("%s: raw control characters in %q", name, err)
			}
		}
	}
}

// TestForgedAnswerStaysWithItsFile: a worker that answers twice must not answer for the next file of its batch.
func TestForgedAnswerStaysWithItsFile(t *testing.T) {
	p := newTestPool(t, nil)
	job := testJob(t, "twice", nil)
	job.Reuse = true
	if b, err := p.Run(t.Context(), job); err != nil || string(b) != `"forged first"` {
		t.Fatalf("%s, %v", b, err)
	}
	eventually(t, "second answer", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.reuse[0].clean()
	})
	next := testJob(t, "echo", "honest")
	next.Reuse = true
	if b, err := p.Run(t.Context(), next); err != nil || string(b) != `"honest"` {
		t.Fatalf("the next file of the batch got %s, %v", b, err)
	}
}
