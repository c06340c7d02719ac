package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const unit = "trustfs@.service"

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// systemd itself must find nothing to say about the unit.
func TestVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED: systemd-analyze is missing: apt-get install systemd")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "trustfs") // systemd looks whether what is to be started is there
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(read(t), "/usr/bin/trustfs", program)
	name := filepath.Join(dir, "trustfs@models.service")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", name).CombinedOutput()
	if err != nil || strings.Contains(string(out), "trustfs") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// A mount namespace would hide the mount from everybody else. See systemd.exec(5).
func TestNoMountNamespace(t *testing.T) {
	banned := regexp.MustCompile(`(?m)^(Protect\w+|Private\w+|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|ExecPaths|NoExecPaths|` +
		`TemporaryFileSystem|BindPaths|BindReadOnlyPaths|RootDirectory|RootImage|MountAPIVFS|MountFlags|DynamicUser|RestrictNamespaces)=.*`)
	if hit := banned.FindString(read(t)); hit != "" {
		t.Errorf("%s makes a mount namespace, or takes the jail its namespaces", hit)
	}
}

// What the unit starts must be what make install puts there, with flags that the program has.
func TestStartsWhatIsInstalled(t *testing.T) {
	text := read(t)
	if !strings.Contains(text, "ExecStart=/usr/bin/trustfs mount --guard ${TREE} ${MOUNTPOINT}\n") {
		t.Error("ExecStart is not the mount with a guard")
	}
	for _, want := range []string{"Type=notify\n", "KillMode=mixed\n", "DeviceAllow=/dev/fuse rw\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestInstall(t *testing.T) {
	if _, err := os.Stat("../bin/trustfs"); err != nil {
		t.Skip("SKIPPED: nothing is built yet: make build")
	}
	dest := t.TempDir()
	out, err := exec.Command("make", "-s", "-C", "..", "install", "DESTDIR="+dest).CombinedOutput()
	if err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	for name, mode := range map[string]os.FileMode{
		"usr/bin/trustfs": 0o755, "usr/lib/trustfs/trustfs-engine": 0o755, "usr/lib/trustfs/trustfs-worker": 0o755, "usr/lib/systemd/system/" + unit: 0o644,
		"etc/trustfs/trustfs.yaml": 0o644,
	} {
		st, err := os.Stat(filepath.Join(dest, name))
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, want mode %o", name, err, mode)
		}
	}
}

// A policy may ask which program opens a file. With the capabilities that the unit leaves, the service must find that out of
// another user's process. See proc_pid_exe(5), and ptrace(2) on access mode checking.
func TestOpenersProgramCanBeRead(t *testing.T) {
	setpriv, err := exec.LookPath("setpriv")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root and setpriv (util-linux)")
	}
	line := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindStringSubmatch(read(t))
	if line == nil {
		t.Fatal("the unit bounds no capabilities")
	}
	set := "-all"
	for _, c := range strings.Fields(line[1]) {
		set += ",+" + strings.ToLower(strings.TrimPrefix(c, "CAP_"))
	}
	other := exec.Command(setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", "echo; exec cat")
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = other.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil { // it is the other user by now
		t.Fatal(err)
	}
	exe, err := exec.Command(setpriv, "--bounding-set="+set, "readlink", "/proc/"+strconv.Itoa(other.Process.Pid)+"/exe").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(exe), "/") {
		t.Errorf("with %s: %v, %q", line[1], err, exe)
	}
}
