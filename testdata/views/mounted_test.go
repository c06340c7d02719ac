package views_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trustfs/fs/mount"
)

// programs builds trustfs and its worker as they are shipped.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "trustfs-views-")
	if err != nil {
		return "", err
	}
	built = dir
	for out, pkg := range map[string]string{"trustfs": "../../cmd/trustfs", "trustfs-worker": "../../cmd/trustfs-worker"} {
		c := exec.Command("go", "build", "-o", filepath.Join(dir, out), pkg)
		if out == "trustfs-worker" {
			c.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if text, err := c.CombinedOutput(); err != nil {
			return "", &exec.Error{Name: "go build " + pkg + ": " + string(text), Err: err}
		}
	}
	return dir, nil
})

var built string // what TestMain removes

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// serve mounts dir with views in the pickles' place, judged on content alone, and gives the mountpoint.
func serve(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	point, _ := start(t, dir, flags...)
	return point
}

// A record is what a daemon has written so far.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// start is serve that gives the daemon's events too.
func start(t *testing.T, dir string, flags ...string) (point string, events *record) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, NOT TESTED: views through a mount need root")
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	point, events = t.TempDir(), &record{}
	args := append([]string{"mount", "--state", filepath.Join(t.TempDir(), "state"), "--profile", "content", "--views", "only"}, flags...)
	daemon := exec.Command(filepath.Join(bin, "trustfs"), append(args, dir, point)...)
	daemon.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	daemon.Stderr = events
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		if err := daemon.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the mount ended with %v", err)
		}
		if t.Failed() {
			t.Logf("events:\n%s", events.String())
		}
	})
	for range 400 {
		all, err := mount.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Point == point && m.Type == mount.Type {
				return point, events
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("nothing was mounted within 20 s")
	return "", nil
}

// The worker's views, through the mount and the safetensors library, are what torch, numpy and joblib load.
func TestMountedViewsEqualTheirSources(t *testing.T) {
	dir := t.TempDir()
	python(t, "write", dir, "200")
	checkSum(t, python(t, "mounted", dir, serve(t, dir)), 1000)
}

// Unmodified transformers loads folders, and a cache, of which it sees no pickle.
func TestPretrainedThroughViews(t *testing.T) {
	exe := os.Getenv("TRUSTFS_PYTHON")
	if exe != "" && exec.Command(exe, "-c", "import transformers").Run() != nil {
		t.Skip("SKIPPED, NOT TESTED: transformers through views (TRUSTFS_PYTHON has no transformers; make clients has)")
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("TRANSFORMERS_VERBOSITY", "error")
	dir := t.TempDir()
	python(t, "models", dir)
	if out := python(t, "pretrained", dir, serve(t, dir)); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("views.py said %q", out)
	}
}
