package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
		"usr/bin/trustfs": 0o755, "usr/lib/trustfs/trustfs-worker": 0o755, "usr/lib/systemd/system/" + unit: 0o644,
		"etc/trustfs/trustfs.yaml": 0o644,
	} {
		st, err := os.Stat(filepath.Join(dest, name))
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, want mode %o", name, err, mode)
		}
	}
}
