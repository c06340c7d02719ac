package clients

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trustfs/fs/mount"
)

// prepared is the directory that scripts/clients fills.
func prepared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TRUSTFS_CLIENTS")
	if dir == "" {
		t.Skip("SKIPPED: real readers are not prepared: run make clients")
	}
	return dir
}

// program is bin/trustfs as make build leaves it.
func program(t *testing.T) string {
	t.Helper()
	name, err := filepath.Abs("../../bin/trustfs")
	if err == nil {
		_, err = os.Stat(name)
	}
	if err != nil {
		t.Fatalf("%v: run make build", err)
	}
	return name
}

// serve approves what is clean in dir, as an operator would, and mounts it with the strict profile. It gives the mountpoint.
func serve(t *testing.T, dir string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting in this test needs root")
	}
	trustfs := program(t)
	state, point := filepath.Join(t.TempDir(), "state"), t.TempDir()
	if out, err := exec.Command(trustfs, "pin", "--clean", "--yes", "--state", state, dir).CombinedOutput(); err != nil {
		t.Fatalf("pin --clean: %v\n%s", err, out)
	}
	var events bytes.Buffer
	daemon := exec.Command(trustfs, "mount", "--state", state, dir, point)
	daemon.Stderr = &events
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- daemon.Wait() }()
	t.Cleanup(func() {
		if err := daemon.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("ending the mount: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("the mount ended with %v", err)
		}
		if mounted(t, point) {
			t.Errorf("%s is still mounted", point)
		}
		if t.Failed() {
			t.Logf("events:\n%s", events.String())
		}
	})
	for range 200 {
		if mounted(t, point) {
			return point
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("nothing was mounted within 10 s")
	return ""
}

func mounted(t *testing.T, point string) bool {
	t.Helper()
	all, err := mount.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Point == point && m.Type == mount.Type {
			return true
		}
	}
	return false
}

// run runs a command that must succeed, and gives what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// status is the exit status of a command, with what it said on standard error.
func status(t *testing.T, name string, args ...string) (int, string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	var errs bytes.Buffer
	c.Stderr = &errs
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, errs.String()
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
}
