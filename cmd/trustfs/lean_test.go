package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"trustfs/internal/lean"
	"trustfs/jail"
	"trustfs/provenance"
)

// Who judges a command line of the lean program.
const (
	itself = false
	engine = true
)

// leanCases are command lines, in a folder that leanFolder has made. What both programs print for them must be the same.
var leanCases = []struct {
	args string // separated by blanks
	over bool
}{
	{"version", itself},
	{"resolve --within models models/old/metadata.pkl", itself},
	{"resolve --within models/old models/bert-tiny/config.json", itself},
	{"resolve models", itself},
	{"audit", itself},
	{"audit --help", itself},
	{"audit --nonsense x", itself},
	{"audit --json --sarif x", itself},
	{"audit --max-score many x", itself},
	{"audit --profile lax models/old/metadata.pkl", itself},
	{"audit --config absent.yaml models/old/metadata.pkl", itself},
	{"audit --config wrong.yaml models/old/metadata.pkl", itself},
	{"audit --allow-preset everything models/old/metadata.pkl", itself},
	{"audit --config noworker.yaml models/old/metadata.pkl", itself},
	{"audit --config notjailed.yaml models/old/metadata.pkl", itself},
	{"audit --json --config notjailed.yaml models/old/metadata.pkl models/hostile/eval.pkl", itself},
	{"audit nowhere", itself},
	{"audit models/old/metadata.pkl nowhere", itself},

	// Content, in each form of the output.
	{"audit models/old/metadata.pkl", itself},
	{"audit --profile content models/old/metadata.pkl", itself},
	{"audit --profile content models/old/metadata.pkl models/hostile/eval.pkl models/old/legacy.pt", itself},
	{"audit --profile content --refused models/old/metadata.pkl models/hostile/eval.pkl", itself},
	{"audit --profile audit --sarif models/hostile/weights.pt models/hostile/template.gguf", itself},
	{"audit --json --profile content models/hostile/os-system.pkl models/broken/cut.pkl models/llama-tiny/tiny.gguf", itself},
	{"audit --json --save saved models/hostile/renamed.safetensors", itself},
	{"audit --json --config content.yaml models/bert-tiny/pytorch_model.bin", itself},
	{"audit --json --max-score 100 models/bert-tiny/pytorch_model.bin", itself},
	{"audit --json models/odd/out-of-the-tree", itself},
	{"audit --json models/odd/link.safetensors", itself},
	{"audit --json models/README.md models/bert-tiny/config.json", itself},

	// Evidence that needs no library of Sigstore's: pins, lists, bare signatures, in the tree and outside.
	{"audit --json models/bert-tiny/pytorch_model.bin", itself},
	{"audit --json models/broken/swapped.safetensors", itself},
	{"audit --json models/listed/model.safetensors", itself},
	{"audit --json --checksums models/listed/checksums.txt models/listed/model.safetensors", itself},
	{"audit --json --checksums absent models/listed/model.safetensors", itself},
	{"audit --json --require-checksums models/bert-tiny/model.safetensors", itself},
	{"audit --json --require-signature models/bert-tiny/model.safetensors", itself},
	{"audit --json models/raw/model.safetensors", itself},
	{"audit --json --trust-key key.pub models/raw/model.safetensors", itself},
	{"audit --json --trust-key absent.pub models/raw/model.safetensors", itself},
	{"audit --json --trusted-publisher mail:a@example.com models/raw/model.safetensors", itself},
	{"audit --json models/billed/model.safetensors", itself}, // an SBOM that nobody asks for

	// Folders, each a tree of its own.
	{"audit models/old", itself},
	{"audit --json models/old", itself},
	{"audit --sarif --profile content models/hostile models/broken", itself},
	{"audit --refused --profile content models/hostile models/old/metadata.pkl", itself},
	{"audit --json --save saved --profile audit models/broken", itself},
	{"audit --json models/odd", itself},                                          // links out of the tree, names that are no text
	{"audit --json models/bert-tiny models/bert-tiny/pytorch_model.bin", itself}, // pinned
	{"audit --json --checksums models/listed/checksums.txt models/listed", itself},
	{"audit --json --require-checksums models/listed models/bert-tiny", itself},
	{"audit --json --trust-key key.pub models/raw", itself},
	{"audit --json models/billed", itself},
	{"audit --json --profile content models/hub", itself}, // blobs are judged under the names that lead to them
	{"audit --json models/hub/models--acme--tiny/snapshots models/hub/models--acme--tiny", itself},
	{"audit --json --profile content mixed", itself}, // three levels, empty and unreadable files, a FIFO, a folder that a link names
	{"audit mixed", itself},
	{"audit --profile content --max-score 0 mixed mixed/a", itself},
	{"audit --json empty", itself},
	{"audit empty", itself},
	{"audit empty nowhere", itself},
	{"audit --json --config notjailed.yaml mixed", itself},
	{"audit --config notjailed.yaml models/old nowhere", itself}, // the jail is said first
	{"audit --config notjailed.yaml nowhere models/old", itself},
	{"audit --config noworker.yaml empty", itself},
	{"audit --json --profile content many", itself},

	// Whatever needs the rest.
	{"audit --json models/signed/model.safetensors", engine},
	{"audit --json --trust-key key.pub models/signed/model.safetensors", engine},
	{"audit --json models/old/metadata.pkl models/hostile/eval.pkl models/signed/model.safetensors", engine},
	{"audit models/old/metadata.pkl models/signed/model.safetensors", engine},
	{"audit --json models/folder/model.safetensors", engine},
	{"audit --json models/folder/deep/model.safetensors", itself}, // judged in its own folder, as one file is
	{"audit --json models/claims/model.safetensors", engine},
	{"audit --json models/named/model.safetensors", engine},
	{"audit --json --require-sbom models/billed/model.safetensors", engine},
	{"audit --json --sbom bill.json models/billed/model.safetensors", engine},
	{"audit --json --policy no.rego models/old/metadata.pkl", engine},
	{"audit --json --policy absent.rego models/old/metadata.pkl", engine},
	{"audit --json --config policy.yaml models/old/metadata.pkl", engine},
	{"audit --json --trusted-root root.json models/old/metadata.pkl", engine},
	{"audit --json --require-sbom models/billed", engine},
	{"audit --json --policy no.rego models/old", engine},
	{"audit --json models/old/metadata.pkl models", engine},
	{"audit models", engine},
	{"audit --json models/signed models/old", engine},
	{"audit --json models/folder", engine},
	{"audit --json models/claims", engine},
	{"audit --json large", engine},
	{"audit --json huge", engine},
	{"audit huge/two", itself},
	{"audit --json huge/two models/old huge/one", engine},
	{"audit --json --profile content many models/old/metadata.pkl", engine},
	{"audit" + strings.Repeat(" models/old/metadata.pkl", fewFiles+1), engine},
	{"", engine},
	{"--help", engine},
	{"--version", engine},
	{"help audit", engine},
	{"rules", engine},
	{"verify models/signed/model.safetensors", engine},
	{"nonsense", engine},
}

func TestBothProgramsSayTheSame(t *testing.T) {
	dir, self := leanFolder(t), testBinary(t)
	front := filepath.Join(worker, "front", "trustfs")
	for _, c := range leanCases {
		t.Run(strings.ReplaceAll(c.args[:min(80, len(c.args))], "/", "_"), func(t *testing.T) {
			args := strings.Fields(strings.Replace(c.args, "audit ", "audit --state state ", 1))
			whole, few := runProgram(t, dir, self, args), runProgram(t, dir, front, args)
			if whole != few {
				t.Errorf("the engine:\n%s\nthe lean program:\n%s", whole, few)
			}
			told := runProgram(t, dir, toldProgram(t, front), args)
			handed := told == fmt.Sprintf("exit 77\nengine: %s\n", strings.Join(args, " "))
			if handed != c.over {
				t.Errorf("handed over: %v, expected %v:\n%s", handed, c.over, told)
			}
		})
	}
}

func testBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// unsteady is what differs from run to run.
var unsteady = regexp.MustCompile(`"elapsed_ms":[0-9.e-]+|, in [0-9.µm]+s\n`)

// runProgram gives the exit status and all that a program prints and saves.
func runProgram(t *testing.T, dir, program string, args []string) string {
	t.Helper()
	c := exec.Command(program)
	c.Args = append([]string{"trustfs"}, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "TRUSTFS_TEST_WORKER=1", "PATH="+worker+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("exit %d\n%s", c.ProcessState.ExitCode(), out.String())
	saved := filepath.Join(dir, "saved")
	if b, err := os.ReadFile(saved); err == nil {
		text += "saved:\n" + string(b)
		os.Remove(saved)
	}
	return unsteady.ReplaceAllString(text, "")
}

// Without its engine the lean program says what is missing, where it looked, and what to do; a copy of itself in that place
// is not started.
func TestTheLeanProgramAlone(t *testing.T) {
	dir := t.TempDir()
	alone := copyProgram(t, filepath.Join(worker, "front", "trustfs"), filepath.Join(dir, "bin", "trustfs"))
	out := runProgram(t, dir, alone, []string{"rules"})
	for _, want := range []string{"exit 2\n", "trustfs-engine", dir + "/bin, " + dir + "/lib/trustfs, ", "/usr/lib/trustfs", "make build"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	if out := runProgram(t, dir, alone, []string{"version"}); !strings.HasPrefix(out, "exit 0\n") {
		t.Errorf("version needs no engine: %s", out)
	}
	put(t, filepath.Join(dir, "lib", "trustfs", "trustfs-engine"), "#!/bin/sh\necho installed\n", 0o755)
	if out := runProgram(t, dir, alone, []string{"rules"}); out != "exit 0\ninstalled\n" {
		t.Errorf("an engine where make install puts it: %s", out)
	}
	if err := os.Link(alone, filepath.Join(dir, "bin", "trustfs-engine")); err != nil {
		t.Fatal(err)
	}
	if out := runProgram(t, dir, alone, []string{"rules"}); !strings.Contains(out, "exit 2\n") || !strings.Contains(out, "this program itself") {
		t.Errorf("a program that would start itself: %s", out)
	}
}

// A report names the system call that a worker was killed for, and the lean program does not know its name.
func TestWhatEndsAJudgementByTheLeanProgram(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		over bool
	}{
		{"nothing", nil, false},
		{"a fault of the evidence", provenance.ErrBusy, false},
		{"a worker out of time", &jail.WorkerError{Reason: jail.ReasonTimeout}, false},
		{"a worker killed for a call", fmt.Errorf("analysis: %w", &jail.WorkerError{Reason: jail.ReasonViolation}), true},
		{"a bundle", fmt.Errorf("provenance: signatures: %w", lean.Beyond("the bundle x.sig")), true},
	} {
		j := &judges{}
		j.note(errors.New("something before"))
		j.note(c.err)
		j.note(errors.New("something after"))
		if over := j.beyond.Load() != nil; over != c.over {
			t.Errorf("%s: handed over: %v, expected %v", c.name, over, c.over)
		}
	}
}
