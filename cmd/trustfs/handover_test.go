package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The lean program says which build it is of, whatever its own environment says; the engine goes by that, and passes it on to
// nobody.
func TestHandingOverNamesTheBuild(t *testing.T) {
	t.Setenv(frontBuild, "from elsewhere")
	dir, self := t.TempDir(), testBinary(t)
	put(t, filepath.Join(dir, "trustfs-engine"), "#!/bin/sh\necho \"$"+frontBuild+"\"\n", 0o755)
	lean := copyProgram(t, filepath.Join(worker, "front", "trustfs"), filepath.Join(dir, "trustfs"))
	if out := runProgram(t, dir, lean, []string{"rules"}); out != "exit 0\n"+version+"\n" {
		t.Errorf("handed over: %s", out)
	}
	out := runProgram(t, dir, self, []string{"version"})
	for _, want := range []string{"exit 2\n", `"from elsewhere"`, `"` + version + `"`, self, "make install"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	for _, of := range []string{version, "another"} {
		t.Setenv(frontBuild, of)
		if err := sameBuild(); (err == nil) != (of == version) {
			t.Errorf("from the build %q: %v", of, err)
		}
		if _, there := os.LookupEnv(frontBuild); there {
			t.Error("programs that the engine starts are told too")
		}
	}
	if err := sameBuild(); err != nil {
		t.Errorf("started by itself: %v", err)
	}
}

// An engine that somebody else could have put there is not started, and why is said.
func TestAForeignEngineIsNotStarted(t *testing.T) {
	dir := t.TempDir()
	alone := copyProgram(t, filepath.Join(worker, "front", "trustfs"), filepath.Join(dir, "bin", "trustfs"))
	installed := filepath.Join(dir, "lib", "trustfs")
	put(t, filepath.Join(installed, "trustfs-engine"), "#!/bin/sh\necho installed\n", 0o755)
	if err := os.Chmod(installed, 0o777); err != nil {
		t.Fatal(err)
	}
	out := runProgram(t, dir, alone, []string{"rules"})
	for _, want := range []string{"exit 2\n", "this command needs the engine: " + installed + ": ", "lets everybody write"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	// Elsewhere than beside bin and sbin, lib is somebody else's: /tmp/lib for /tmp/x.
	out = runProgram(t, dir, copyProgram(t, alone, filepath.Join(dir, "x", "trustfs")), []string{"rules"})
	if !strings.Contains(out, "exit 2\n") || strings.Contains(out, "installed") || strings.Contains(out, dir+"/lib") {
		t.Errorf("beside x: %s", out)
	}
}
