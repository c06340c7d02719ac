package dense_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"trustfs/internal/dense"
	"trustfs/opcodes"
)

// Every shape is what it says: it loads, no budget is in its way at a small size, and as many entries are alive as it
// counts, neither more (memory would be excused) nor many fewer.
func TestShapes(t *testing.T) {
	names := map[string]bool{}
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		t.Run(s.Name, func(t *testing.T) {
			if names[s.Name] || dense.Named(s.Name) != s {
				t.Fatal("not the only shape of its name")
			}
			names[s.Name] = true
			var b bytes.Buffer
			entries, err := s.Write(&b, 20_000)
			if err != nil || b.Len() < 20_000 || b.Len() > 30_000 {
				t.Fatal(err, b.Len())
			}
			run := func(budget int64) *opcodes.Report {
				return opcodes.Run(bytes.NewReader(b.Bytes()), int64(b.Len()), opcodes.Options{Budget: opcodes.Budget{Entries: budget}})
			}
			if err := run(0).Err(opcodes.C3 | opcodes.Py3); err != nil && s.Name != "marks" {
				t.Error(err)
			}
			if s.Name == "marks" {
				return
			}
			// MARK, the callee and arguments of a call: a few more than the values that stay.
			if r := run(entries + 16); r.Exceeded() != nil {
				t.Errorf("%d entries counted: %v", entries, r.Exceeded())
			}
			if r := run(entries * 9 / 10); entries > 100 && r.Exceeded() == nil {
				t.Errorf("%d entries counted, far fewer are alive", entries)
			}
		})
	}
}

// CPython's own unpicklers load what has no code in it.
func TestPythonLoads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("MISSING: python3, to load the shapes")
	}
	for i := range dense.Shapes {
		s := &dense.Shapes[i]
		if strings.Contains("objects tensors marks", s.Name) {
			continue // need torch; never end
		}
		var b bytes.Buffer
		if _, err := s.Write(&b, 3000); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "-c", "import pickle, sys; sys.setrecursionlimit(10**5); pickle.loads(sys.stdin.buffer.read())")
		cmd.Stdin = &b
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", s.Name, err, out)
		}
	}
}
