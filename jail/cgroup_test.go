package jail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// cgroup2 is a directory of a cgroup v2 hierarchy in which this test may make leaves.
func cgroup2(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC && unix.Access(dir, unix.W_OK) == nil {
			return dir
		}
	}
	t.Skip("MISSING: a cgroup v2 hierarchy that this user may write")
	return ""
}

// TestWorkersAreBornIntoTheirLeaf needs no controllers: it looks where the workers are.
func TestWorkersAreBornIntoTheirLeaf(t *testing.T) {
	root := cgroup2(t)
	leaf := filepath.Join(root, "trustfs-test-leaf")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		t.Skipf("MISSING: the right to make a cgroup: %v", err)
	}
	dir, err := os.Open(leaf)
	if err != nil {
		t.Fatal(err)
	}
	s := &slot{dir: dir, path: leaf}
	l, err := newLauncher(hostileWorker)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.on = allLayers
	w, err := l.start(s)
	if err == nil {
		err = w.ready()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := readProc(t, w.proc.Pid, "cgroup"); !strings.Contains(got, "/trustfs-test-leaf\n") {
		t.Errorf("the worker is in %q", got)
	}
	w.end()
	w.stderr.Close()
	(&cgroups{all: []*slot{s}}).close()
	if _, err := os.Stat(leaf); !os.IsNotExist(err) {
		t.Errorf("the leaf is still there: %v", err)
	}
}

func TestLeavesNeedTheirControllers(t *testing.T) {
	root := cgroup2(t)
	empty := filepath.Join(root, "trustfs-test-empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Skipf("MISSING: the right to make a cgroup: %v", err)
	}
	defer os.Remove(empty)
	if _, err := newCgroups(empty, 1, 1<<30); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a cgroup without controllers: %v", err)
	}
	if l := probeCgroup(empty); l.State != Broken || l.Mend == "" {
		t.Errorf("probe: %+v", l)
	}
	if err := delegated(root); err != nil {
		t.Skipf("MISSING: memory and pids controllers for cgroup v2 here (%v)", err)
	}
	c, err := newCgroups(root, 2, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(c.all[1].path, "pids.max"))
	if err != nil || strings.TrimSpace(string(b)) != "128" {
		t.Errorf("pids.max %q, %v", b, err)
	}
	c.close()
	if left, _ := filepath.Glob(filepath.Join(root, "trustfs-worker-*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
