package oracle

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
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

// A python is an interpreter that runs oracle.py.
type python struct {
	t    *testing.T
	path string
	in   io.WriteCloser
	out  *bufio.Scanner
}

func command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, append([]string{"-E", "-S", "-s", "-W", "ignore", "oracle.py"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	return cmd
}

func start(t *testing.T, path string) *python {
	cmd := command(path)
	var stderr bytes.Buffer // bounded by what the interpreter says of itself
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("oracle.py: %v: %s", err, stderr.Bytes())
		}
	})
	p := &python{t: t, path: path, in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 64<<20)
	return p
}

// ask has every reader of the interpreter read data.
func (p *python) ask(data []byte) map[string]reader {
	p.t.Helper()
	if _, err := p.in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(data))), data...)); err != nil {
		p.t.Fatalf("oracle.py ended at %x: %v", data, err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("oracle.py ended at %x: %v", data, p.out.Err())
	}
	var answer map[string]reader
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		p.t.Fatalf("oracle.py answers %q: %v", p.out.Bytes(), err)
	}
	return answer
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
