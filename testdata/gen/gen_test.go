package gen

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestSafetensorsIsWhatTheFormatSays(t *testing.T) {
	tensors := Tensors()
	b := Safetensors(tensors, nil)
	n := binary.LittleEndian.Uint64(b)
	var header map[string]struct {
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	for _, want := range tensors {
		o := header[want.Name].Offsets
		if got := b[8+int(n):][o[0]:o[1]]; !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: other bytes than the tensor's", want.Name)
		}
	}
}

func TestTorchZipHoldsItsStorages(t *testing.T) {
	b := TorchZip(Tensors(), "")
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 3+len(Tensors()) || r.File[0].Name != "archive/data.pkl" {
		t.Errorf("members: %d, first %s", len(r.File), r.File[0].Name)
	}
}

// The tree must be the same every time, or digests in tests would not hold.
func TestTreeIsDeterministic(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "m"), filepath.Join(t.TempDir(), "m")
	for _, dir := range []string{a, b} {
		if err := Write(dir, "/nowhere/marker"); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(a, "m"); err == nil {
		t.Error("an existing directory was written over")
	}
	for _, s := range Samples("/nowhere/marker") {
		if s.Link != "" {
			continue
		}
		x, err := os.ReadFile(filepath.Join(a, s.Path))
		if err != nil {
			t.Fatal(err)
		}
		if y, err := os.ReadFile(filepath.Join(b, s.Path)); err != nil || !bytes.Equal(x, y) {
			t.Errorf("%q differs: %v", s.Path, err)
		}
	}
}
