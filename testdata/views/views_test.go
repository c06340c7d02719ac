// Package views_test compares views with what torch, numpy and joblib load from their sources, tensor by tensor and bit
// for bit. It needs a Python with them and with safetensors: TRUSTFS_PYTHON, which the Makefile sets.
package views_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/views"
)

func python(t *testing.T, args ...string) string {
	t.Helper()
	exe := os.Getenv("TRUSTFS_PYTHON")
	if exe == "" {
		t.Skip("SKIPPED, NOT TESTED: views against torch (set TRUSTFS_PYTHON to a Python with torch and safetensors)")
	}
	out, err := exec.Command(exe, append([]string{"views.py"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("views.py %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

func TestViewsEqualTheirSources(t *testing.T) {
	dir, n := t.TempDir(), 1000
	if s := os.Getenv("TRUSTFS_VIEWS_N"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	python(t, "write", dir, strconv.Itoa(n))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, e := range entries {
		if show(t, filepath.Join(dir, e.Name())) {
			shown++
		}
	}
	out := python(t, "check", dir)
	tensors := checkSum(t, out, n)
	if shown < n/2 {
		t.Errorf("%d views of %d sources", shown, len(entries))
	}
	t.Logf("%d views of %d sources, %d tensors equal", shown, len(entries), tensors)
}

// checkSum reads the last line of views.py: how many tensors were compared, and that all are equal.
func checkSum(t *testing.T, out string, atLeast int) int {
	t.Helper()
	var sum struct{ Tensors, Bad int }
	last := out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]
	if err := json.Unmarshal([]byte(last), &sum); err != nil || sum.Bad != 0 || sum.Tensors < atLeast {
		t.Errorf("%v: %s", err, out)
	}
	return sum.Tensors
}

// show writes the view of a source beside it; false where the source holds no tensor.
func show(t *testing.T, source string) bool {
	t.Helper()
	f, err := os.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := views.Build(f, st.Size())
	if err != nil {
		if !strings.Contains(err.Error(), "holds no tensor") {
			t.Errorf("%s: %v", filepath.Base(source), err)
		}
		return false
	}
	if err := p.Validate(st.Size()); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	var inflated bytes.Buffer
	if err := views.Inflate(&inflated, f, p.Members, formats.Budget{}); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	r, err := views.NewReader(p, f, p.Sections(bytes.NewReader(inflated.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(source + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if n, err := io.Copy(out, io.NewSectionReader(r, 0, r.Size())); err != nil || n != p.Size {
		t.Fatalf("%s: %d of %d bytes, %v", source, n, p.Size, err)
	}
	return true
}
