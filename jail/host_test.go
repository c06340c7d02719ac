package jail

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWorkerSeenFromOutside asks the kernel, not the worker, what a waiting worker is confined by.
func TestWorkerSeenFromOutside(t *testing.T) {
	const leaked = 200 // as a C library would leave it: not closed on exec
	if err := unix.Dup3(0, leaked, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leaked)
	p := newTestPool(t, nil)
	eventually(t, "idle workers", func() bool { return len(p.idle) == cap(p.idle) })
	w := <-p.idle
	defer p.retire(w)
	status := readProc(t, w.proc.Pid, "status")
	for _, want := range []string{`Seccomp:\s+2`, `NoNewPrivs:\s+1`, `CapEff:\s+0+\n`, `CapPrm:\s+0+\n`, `CapInh:\s+0+\n`, `CapAmb:\s+0+\n`,
		`NSpid:\s+\d+\s+1\n`, `Name:\s+trustfs-worker`} {
		if !regexp.MustCompile(want).MatchString(status) {
			t.Errorf("status has no %s:\n%s", want, status)
		}
	}
	for _, thread := range glob(t, fmt.Sprintf("/proc/%d/task/*/status", w.proc.Pid)) {
		b, err := os.ReadFile(thread)
		if err != nil || !strings.Contains(string(b), "Seccomp:\t2") || !strings.Contains(string(b), "CapEff:\t0000000000000000") {
			t.Errorf("thread %s: %v\n%s", thread, err, b)
		}
	}
	if os.Geteuid() != 0 {
		return // the kernel shows the rest of an undumpable process to root alone
	}
	if !regexp.MustCompile(`Uid:\s+65534\s+65534`).MatchString(status) {
		t.Errorf("a root parent's worker is not nobody:\n%s", status)
	}
	for _, ns := range []string{"user", "pid", "net", "ipc", "uts", "mnt"} {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", w.proc.Pid, ns))
		ours, _ := os.Readlink("/proc/self/ns/" + ns)
		if err != nil || theirs == ours {
			t.Errorf("%s namespace %s, %v: that of the parent", ns, theirs, err)
		}
	}
	root, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/", w.proc.Pid))
	if err != nil || len(root) != 0 {
		t.Errorf("its root holds %v, %v", root, err)
	}
	if fds := glob(t, fmt.Sprintf("/proc/%d/fd/*", w.proc.Pid)); len(fds) != 5 {
		t.Errorf("open descriptors %v, expected 0 to 4", fds)
	}
	if mounts := strings.Count(readProc(t, w.proc.Pid, "mounts"), "\n"); mounts != 1 {
		t.Errorf("%d mounts, expected 1", mounts)
	}
	if env := readProc(t, w.proc.Pid, "environ"); env != "GODEBUG=asyncpreemptoff=1\x00GOMAXPROCS=1\x00" {
		t.Errorf("environment %q", env)
	}
	if threads := len(glob(t, fmt.Sprintf("/proc/%d/task/*", w.proc.Pid))); threads > 6 { // Go's runtime starts one more whenever a call blocks for long
		t.Errorf("%d threads, expected 3 and no more than 6: each costs every layer again", threads)
	}
	limits := readProc(t, w.proc.Pid, "limits")
	for _, want := range []string{`Max file size\s+0\s+0`, `Max core file size\s+0\s+0`, `Max processes\s+64\s+64`, `Max open files\s+69\s+69`} {
		if !regexp.MustCompile(want).MatchString(limits) {
			t.Errorf("limits have no %s:\n%s", want, limits)
		}
	}
	var rss int
	for line := range strings.Lines(status) {
		fmt.Sscanf(line, "VmRSS: %d kB", &rss)
	}
	if rss == 0 || rss > 20<<10 {
		t.Errorf("a waiting worker has %d KiB resident, expected less than 20 MiB", rss)
	}
}

// TestWorkersAreNotDumpable: the kernel gives /proc/<pid> of a process that may not be traced to root. It shows only where
// the worker has no user namespace of its own, which is also where it matters.
func TestWorkersAreNotDumpable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("MISSING: root, whose workers have another user than the owner of their /proc entries")
	}
	p := newTestPool(t, func(c *Config) { c.without = layerNamespaces })
	w := <-p.idle
	defer p.retire(w)
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/fd", w.proc.Pid), &st); err != nil || st.Uid != 0 {
		t.Errorf("its descriptors belong to uid %d (%v), expected 0: it is dumpable", st.Uid, err)
	}
}

func readProc(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	m, err := filepath.Glob(pattern)
	if err != nil || len(m) == 0 {
		t.Fatalf("%s: %v, %v", pattern, m, err)
	}
	return m
}

// TestWorkersDieWithTheParent kills a parent that has a pool and a running job.
func TestWorkersDieWithTheParent(t *testing.T) {
	if os.Getenv("TRUSTFS_JAIL_PARENT") != "" {
		p := newTestPool(t, nil)
		eventually(t, "idle workers", func() bool { return len(p.idle) == cap(p.idle) })
		fmt.Println("pids", children(t))
		_, _ = p.Run(t.Context(), testJob(t, "sleep", nil))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWorkersDieWithTheParent$")
	cmd.Env = append(os.Environ(), "TRUSTFS_JAIL_PARENT=1", "TRUSTFS_JAIL_HOSTILE="+hostileWorker)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r < '0' || r > '9' }) {
		var pid int
		fmt.Sscan(f, &pid)
		pids = append(pids, pid)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if len(pids) < 2 {
		t.Fatalf("the parent says %q", buf[:n])
	}
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("worker %d ends with its parent", pid), func() bool {
			return syscall.Kill(pid, 0) == syscall.ESRCH || strings.Contains(stateOf(pid), "Z")
		})
	}
}

func stateOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:min(len(rest), 1)]
}

// TestOrdinaryUser runs the tests of pool and command once more without root.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT NEEDED: these tests run as an ordinary user already")
	}
	dir, err := os.MkdirTemp("", "trustfs-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "jail.test")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, b, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^(TestRun|TestReuse|TestCommand|TestLies|TestWorkerSeen|TestProbeTries)", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, "TRUSTFS_JAIL_HOSTILE=" + hostileWorker}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") < 10 {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

// TestRequireSeccomp: what is missing is used where it can be had, named where it cannot, and fatal under RequireFull.
func TestRequireSeccomp(t *testing.T) {
	if p := newTestPool(t, func(c *Config) { c.Require = RequireSeccomp }); len(p.Missing()) != 0 || p.launch.on != allLayers {
		t.Errorf("on a host that gives everything, %v are missing", p.Missing())
	}
	if os.Getenv("TRUSTFS_JAIL_POOR") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRequireSeccomp$", "-test.v")
		cmd.Env = append(os.Environ(), "TRUSTFS_JAIL_POOR=1", "TRUSTFS_JAIL_HOSTILE="+hostileWorker)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	denyNamespaces(t)
	if _, err := NewPool(Config{WorkerPath: hostileWorker}); err == nil || !strings.Contains(err.Error(), "doctor") {
		t.Errorf("without namespaces a full jail gives %v", err)
	}
	p, err := NewPool(Config{WorkerPath: hostileWorker, Require: RequireSeccomp})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := strings.Join(p.Missing(), " "); got != LayerNamespaces {
		t.Errorf("missing %q, expected %s", got, LayerNamespaces)
	}
	if b, err := p.Run(t.Context(), testJob(t, "echo", 1)); err != nil || string(b) != "1" {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := p.Run(t.Context(), testJob(t, "attack", target{Attack: "fork"})); reasonOf(err) != ReasonViolation {
		t.Errorf("fork under seccomp alone: %v", err)
	}
	for _, l := range Probe(Config{WorkerPath: hostileWorker}) {
		if l.Name == "user namespace" && (l.State == Present || l.Mend == "") {
			t.Errorf("probe of the user namespace: %+v", l)
		}
	}
}
