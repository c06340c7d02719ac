package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"trustfs/internal/lean"
	"trustfs/jail"
	"trustfs/provenance"
	"trustfs/provenance/modelsigning"
	"trustfs/testdata/gen"
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
	{"audit --json models/old", engine},
	{"audit --json models/old/metadata.pkl models", engine},
	{"audit --json large", engine},
	{"audit --json" + strings.Repeat(" models/old/metadata.pkl", fewFiles+1), engine},
	{"audit --json" + strings.Repeat(" models/old/metadata.pkl", fewFiles), itself},
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

// toldProgram is the lean program before an engine that only says how it was called.
func toldProgram(t *testing.T, front string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "trustfs-engine"), "#!/bin/sh\necho \"engine: $*\"\nexit 77\n", 0o755)
	return copyProgram(t, front, filepath.Join(dir, "trustfs"))
}

func copyProgram(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, string(b), 0o755)
	return to
}

func put(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
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

// leanFolder is a folder with the sample tree in models, every kind of evidence in it, and the files that leanCases name.
func leanFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := gen.Write(in("models"), in("marker")); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(in("models/bert-tiny/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"listed", "raw", "billed", "signed", "folder", "folder/deep", "claims", "named"} {
		put(t, in("models/"+d+"/model.safetensors"), string(weights), 0o644)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(weights))
	put(t, in("models/listed/checksums.txt"), sum+"  model.safetensors\n", 0o644)
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"file","name":"m","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}]}`
	put(t, in("bill.json"), bill, 0o644)
	put(t, in("models/billed/model.cdx.json"), bill, 0o644)
	signed := signLean(t, in("key.pub"), dir, weights)
	put(t, in("models/raw/model.safetensors.sig"), signed.raw, 0o644)
	put(t, in("models/signed/model.safetensors.sig"), signed.bundle, 0o644)
	put(t, in("models/folder/model.sig"), signed.bundle, 0o644)
	put(t, in("models/claims/claims.jsonl"), "\n"+signed.bundle+"\n", 0o644)
	put(t, in("models/named/model.safetensors.sigstore.json"), "{}", 0o644)

	pin := strings.Fields("pin --state state --profile content models/bert-tiny/pytorch_model.bin")
	if out := runProgram(t, dir, testBinary(t), pin); !strings.HasPrefix(out, "exit 0") {
		t.Fatal(out)
	}
	put(t, in("content.yaml"), "profile: content\n", 0o644)
	put(t, in("wrong.yaml"), "no-such-key: 1\n", 0o644)
	put(t, in("no.rego"), "package trustfs\nimport rego.v1\ndeny contains \"never\" if true\n", 0o644)
	put(t, in("policy.yaml"), "policy: ["+in("no.rego")+"]\n", 0o644)
	put(t, in("root.json"), "{}", 0o644)
	put(t, in("large"), "", 0o644)
	if err := os.Truncate(in("large"), fewBytes+1); err != nil {
		t.Fatal(err)
	}
	return dir
}

// signLean signs weights with a new key: bare, and as a bundle of model signing.
func signLean(t *testing.T, pub, dir string, weights []byte) (signed struct{ raw, bundle string }) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	put(t, pub, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), 0o644)
	sum := sha256.Sum256(weights)
	raw, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	signer, err := modelsigning.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := signer.Sign(t.Context(), fstest.MapFS{"model.safetensors": {Data: weights}}, "m", "model.sig")
	if err != nil {
		t.Fatal(err)
	}
	return struct{ raw, bundle string }{string(raw), string(bundle)}
}

// Without its engine the lean program says what is missing, where it looked, and what to do; a copy of itself in that place
// is not started.
func TestTheLeanProgramAlone(t *testing.T) {
	dir := t.TempDir()
	alone := copyProgram(t, filepath.Join(worker, "front", "trustfs"), filepath.Join(dir, "trustfs"))
	out := runProgram(t, dir, alone, []string{"rules"})
	for _, want := range []string{"exit 2\n", "trustfs-engine", dir, "/usr/lib/trustfs", "make build"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	if out := runProgram(t, dir, alone, []string{"version"}); !strings.HasPrefix(out, "exit 0\n") {
		t.Errorf("version needs no engine: %s", out)
	}
	if err := os.Link(alone, filepath.Join(dir, "trustfs-engine")); err != nil {
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
