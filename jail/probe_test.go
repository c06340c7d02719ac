package jail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProbeTriesEveryLayer(t *testing.T) {
	ls := Probe(Config{WorkerPath: hostileWorker})
	seen := map[string]bool{}
	for _, l := range ls {
		seen[l.Name] = true
		t.Logf("%-18s %-8s %s", l.Name, l.State, l.Detail)
		if l.Required && l.State != Present {
			t.Errorf("%s: %s: %s; mend: %s", l.Name, l.State, l.Detail, l.Mend)
		}
		if l.State != Present && l.Mend == "" {
			t.Errorf("%s is %s, and nothing says how to mend it", l.Name, l.State)
		}
	}
	for _, want := range []string{LayerWorker, LayerSeccomp, LayerLandlock, LayerCgroup, LayerWhole, "user namespace",
		"pid namespace", "net namespace", "ipc namespace", "uts namespace", "mount namespace"} {
		if !seen[want] {
			t.Errorf("%s is not probed", want)
		}
	}
}

func TestProbeWithoutWorker(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(dir, "nothing"), dir, script}
	if os.Geteuid() == 0 {
		paths = append(paths, secret)
	}
	for _, path := range paths {
		ls := Probe(Config{WorkerPath: path})
		last := ls[len(ls)-1]
		if last.State == Present || last.Mend == "" {
			t.Errorf("%s: %+v, expected something to mend", path, last)
		}
		if _, err := NewPool(Config{WorkerPath: path}); err == nil {
			t.Errorf("%s: a pool without a worker", path)
		}
		if _, err := NewPool(Config{WorkerPath: path, Require: RequireSeccomp}); err == nil {
			t.Errorf("%s: a pool without a worker, requiring seccomp", path)
		}
	}
}

func TestMendNamespace(t *testing.T) {
	for _, c := range []struct {
		sysctl, value, name string
		err                 error
		want                string
	}{
		{"user.max_user_namespaces", "0", "net", unix.ENOSPC, "user.max_user_namespaces="},
		{"user.max_mnt_namespaces", "0", "mount", unix.ENOSPC, "user.max_mnt_namespaces="},
		{"user.max_net_namespaces", "0", "net", unix.ENOSPC, "user.max_net_namespaces="},
		{"kernel.unprivileged_userns_clone", "0", "user", unix.EPERM, "kernel.unprivileged_userns_clone=1"},
		{"kernel.apparmor_restrict_unprivileged_userns", "1", "mount", unix.EACCES, "apparmor_restrict_unprivileged_userns=0"},
		{"", "", "user", unix.EPERM, "container"},
		{"", "", "user", unix.EINVAL, "CONFIG_USER_NS"},
	} {
		got := mendNamespaceFrom(c.name, c.err, func(s string) string {
			if s == c.sysctl {
				return c.value
			}
			return "1000"
		})
		if !strings.Contains(got, c.want) {
			t.Errorf("%s=%s, %s namespace, %v: %q, expected %q in it", c.sysctl, c.value, c.name, c.err, got, c.want)
		}
	}
}

func TestCgroupMustBeDelegated(t *testing.T) {
	if _, err := NewPool(Config{WorkerPath: hostileWorker, CgroupRoot: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "cgroup v2") {
		t.Errorf("a plain directory as cgroup: %v", err)
	}
}
