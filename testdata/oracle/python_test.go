package oracle

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trustfs/jail"
)

// pythons gives the interpreters to ask: ORACLE_PYTHON (paths, separated by colons) or python3.
func pythons(t *testing.T) []string {
	if list := os.Getenv("ORACLE_PYTHON"); list != "" {
		return strings.Split(list, ":")
	}
	path, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		path, err = exec.LookPath("python3")
	}
	if err != nil {
		t.Skip("SKIPPED: the oracle needs python3; package opcodes is not compared with CPython here")
	}
	return []string{path}
}

// command runs oracle.py without a jail, in 1 GiB: a stream can ask for a memo of any size.
func command(path string, args ...string) *exec.Cmd {
	limited := []string{"-c", `ulimit -v 1048576 && ulimit -t 200 && exec "$0" -E -S -s -W ignore oracle.py "$@"`, path}
	cmd := exec.Command("/bin/sh", append(limited, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	return cmd
}

// A python is an interpreter that runs oracle.py: in the jail, if it lies where the jail shows programs.
type python struct {
	t      *testing.T
	path   string
	worker string // trustfs-worker, which builds the jail; "" runs it without one
}

func newPython(t *testing.T, path string) *python {
	p := &python{t: t, path: path}
	if !strings.HasPrefix(path, "/usr/") || os.Getenv("ORACLE_JAIL") == "off" {
		t.Logf("NOT IN THE JAIL: %s", path)
		return p
	}
	p.worker = filepath.Join(t.TempDir(), "trustfs-worker")
	build := exec.Command("go", "build", "-o", p.worker, "trustfs/cmd/trustfs-worker")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return p
}

// ask has every reader of the interpreter read each case.
func (p *python) ask(cases [][]byte) []map[string]reader {
	p.t.Helper()
	dir := p.t.TempDir()
	in, out := filepath.Join(dir, "cases"), filepath.Join(dir, "out")
	var b []byte
	for _, c := range cases {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(c))), c...)
	}
	if err := errors.Join(os.WriteFile(in, b, 0o644), os.Mkdir(out, 0o755)); err != nil {
		p.t.Fatal(err)
	}
	p.run(in, out)
	file, err := os.Open(filepath.Join(out, "answers"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	var answers []map[string]reader
	for lines.Scan() {
		var a map[string]reader
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			p.t.Fatalf("oracle.py answers %q: %v", lines.Bytes(), err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(cases) {
		p.t.Fatalf("oracle.py answered %d of %d cases; the next one is %x", len(answers), len(cases), cases[len(answers)])
	}
	return answers
}

func (p *python) run(in, out string) {
	p.t.Helper()
	if p.worker == "" {
		if text, err := command(p.path, in, filepath.Join(out, "answers")).CombinedOutput(); err != nil {
			p.t.Fatalf("oracle.py: %v: %s", err, text)
		}
		return
	}
	script, err := os.ReadFile("oracle.py")
	if err != nil {
		p.t.Fatal(err)
	}
	c := jail.Command{
		WorkerPath: p.worker, Program: p.path, Input: in, OutputDir: out,
		Args: []string{"-E", "-S", "-s", "-W", "ignore", "-c", string(script),
			jail.CommandInput + "/cases", jail.CommandOutput + "/answers"},
		Limits: jail.CommandLimits{Wall: 5 * time.Minute, Data: 1 << 30, File: 1 << 30},
	}
	if _, err := c.Run(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// UnmarshalJSON reads [kind, label, offset], the label's characters being bytes.
func (d *deed) UnmarshalJSON(b []byte) error {
	var label string
	if err := json.Unmarshal(b, &[]any{&d.Kind, &label, &d.At}); err != nil {
		return fmt.Errorf("deed %s: %w", b, err)
	}
	raw := make([]byte, 0, len(label))
	for _, r := range label {
		raw = append(raw, byte(r))
	}
	d.Label = string(raw)
	return nil
}

// seeds gives pickles that the interpreter made of its own types.
func (p *python) seeds() [][]byte {
	out, err := command(p.path, "--seeds").Output()
	if err != nil {
		p.t.Fatal(err)
	}
	var seeds [][]byte
	for _, f := range bytes.Fields(out) {
		b, err := hex.DecodeString(string(f))
		if err != nil {
			p.t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	if len(seeds) < 100 {
		p.t.Fatalf("only %d seeds", len(seeds))
	}
	return seeds
}
