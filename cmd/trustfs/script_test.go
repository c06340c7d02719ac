package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"trustfs/fs/mount"
	"trustfs/testdata/gen"
)

// worker is the directory of a trustfs-worker that was built for the tests, without cgo and without the race detector, as
// it is shipped; and of a stand-in for llama.cpp's llama-quantize.
var worker string

func TestMain(m *testing.M) {
	if os.Getenv("TRUSTFS_TEST_WORKER") == "" { // not one of the scripts' own calls
		dir, err := os.MkdirTemp("", "trustfs-worker-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		// The quantizer's stand-in runs as nobody: its folder must let it in.
		err = errors.Join(os.Chmod(dir, 0o755), build(dir, "../trustfs-worker"), buildFront(dir),
			build(filepath.Join(dir, "llama-quantize"), "../../internal/quantize/testdata/standin"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		worker = dir
	}
	testscript.Main(cleanAfter{m}, map[string]func(){"trustfs": main})
}

// build builds a program as it is shipped: without cgo.
func build(out, pkg string, flags ...string) error {
	c := exec.Command("go", append(append([]string{"build", "-o", out}, flags...), pkg)...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// buildFront builds the lean program into dir/front, with this test's own binary in the engine's place.
func buildFront(dir string) error {
	front := filepath.Join(dir, "front")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return errors.Join(os.Mkdir(front, 0o755), build(filepath.Join(front, "trustfs"), ".", "-tags", "lean"),
		os.Symlink(self, filepath.Join(front, "trustfs-engine")))
}

// cleanAfter removes the worker when the tests are done.
type cleanAfter struct{ m *testing.M }

func (c cleanAfter) Run() int {
	defer os.RemoveAll(worker)
	return c.m.Run()
}

func TestScripts(t *testing.T) { scripts(t, "") }

// The program that people call must do all that the engine does, by itself or by handing over.
func TestScriptsThroughTheLeanProgram(t *testing.T) { scripts(t, filepath.Join(worker, "front")) }

// scripts runs the scripts with a trustfs from the folder front, or else this test's own.
func scripts(t *testing.T, front string) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRUSTFS_TEST_WORKER", "1")
			path := worker + string(os.PathListSeparator) + e.Getenv("PATH")
			if front != "" {
				path = front + string(os.PathListSeparator) + path
			}
			e.Setenv("PATH", path)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state")) // for users; root's scripts say --state
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "fuse":
				_, err := os.Stat("/dev/fuse")
				return err == nil, nil
			}
			return false, fmt.Errorf("no condition is named %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "samples": samples, "waitmount": waitMount, "waitgone": waitGone, "fifo": fifo,
		},
	})
}

// code N COMMAND...: the command must end with exactly this status.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// samples DIR: the sample tree.
func samples(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(gen.Write(ts.MkAbs(args[0]), ts.MkAbs("marker")))
}

// waitmount DIR: until trustfs serves there.
func waitMount(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, args[0], true)
}

// waitgone DIR: until it does not any more.
func waitGone(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, args[0], false)
}

func waitFor(ts *testscript.TestScript, dir string, want bool) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		all, err := mount.List()
		ts.Check(err)
		there := false
		for _, m := range all {
			there = there || m.Point == ts.MkAbs(dir) && m.Type == mount.Type
		}
		if there == want {
			return
		}
	}
	ts.Fatalf("%s: mounted: %v, after 20 s", dir, !want)
}

// fifo NAME: a named pipe.
func fifo(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(exec.Command("mkfifo", ts.MkAbs(args[0])).Run())
}
