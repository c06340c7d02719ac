package views_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trustfs/opcodes"
	"trustfs/testdata/gen"
	"trustfs/views"
)

// tensorsOf reads a safetensors file.
func tensorsOf(t *testing.T, path string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(text)
	var header map[string]struct {
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(text[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for name, e := range header {
		if name != "__metadata__" {
			out[name] = text[8+n:][e.Offsets[0]:e.Offsets[1]]
		}
	}
	return out
}

// disarmed asserts what a mount with --views-from disarm shows of a hostile file: nothing of itself, the tensors of the
// clean model by its view, and what was refused by the view's report.
func disarmed(t *testing.T, point, name string, clean []gen.Tensor) {
	t.Helper()
	if _, err := os.ReadFile(filepath.Join(point, name)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%s: %v, expected a refusal", name, err)
	}
	view := strings.TrimSuffix(name, filepath.Ext(name)) + ".safetensors"
	got := tensorsOf(t, filepath.Join(point, view))
	for _, x := range clean {
		if !bytes.Equal(got[x.Name], x.Bytes()) {
			t.Errorf("%s: %s is not the clean model's", name, x.Name)
		}
	}
	text, err := os.ReadFile(filepath.Join(point, ".trustfs/report", view+".json"))
	var report struct {
		Verdict  string
		Warnings []string
		Facts    struct {
			ViewOf string `json:"view_of"`
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil || report.Verdict != "allow" || report.Facts.ViewOf != name || !slices.ContainsFunc(report.Warnings, func(w string) bool {
		return strings.Contains(w, "only its tensors are shown")
	}) {
		t.Errorf("%s: the view's report: %v, %s", name, err, text)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// Attacks in every form of torch file, disarmed: the tensors are the clean model's, and the payload never runs.
func TestDisarm(t *testing.T) {
	dir, beside := t.TempDir(), t.TempDir()
	marker := filepath.Join(beside, "marker")
	tensors := gen.Tensors()
	for name, data := range map[string][]byte{
		"zip.pt": gen.TorchZip(tensors, marker), "legacy.pt": gen.TorchLegacy(tensors, marker), "tar.pt": gen.TorchTar(tensors, gen.TarInPickle, marker),
		"in front.pt": gen.TorchZipBehind(tensors, gen.Hostile(marker)), "eval.pt": gen.TorchZipBehind(tensors, gen.HostileBuiltin(marker)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	point, _ := start(t, dir, "--views", "beside", "--views-from", "disarm")
	before := files(t, dir)
	for _, name := range before {
		disarmed(t, point, name, tensors)
	}
	if len(before) != 5 || !slices.Equal(files(t, dir), before) || len(files(t, beside)) != 0 {
		t.Errorf("a payload left something: %q, %q", files(t, dir), files(t, beside))
	}
}

// first is the first pickle of a file, without what follows it. False where there is none that today's Python reads.
func first(data []byte) ([]byte, bool) {
	rep := opcodes.Run(bytes.NewReader(data), int64(len(data)), opcodes.Options{Readings: opcodes.C3})
	if rep.Err(opcodes.C3) != nil {
		return nil, false
	}
	return data[:rep.Outcomes[0].End], true
}

// Real attacks, of the corpus that TRUSTFS_CORPUS names: where one carries tensors, they are shown as they lie in the file;
// and each that is a pickle is put in front of a clean model's. Nothing of it is ever unpickled, and the copies are
// removed with the test.
func TestDisarmCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("SKIPPED, NOT TESTED: real attacks, disarmed (set TRUSTFS_CORPUS to a folder of them; generated ones are tested)")
	}
	dir, tensors := t.TempDir(), gen.Tensors()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if attack, ok := first(data); ok {
			name := strings.ReplaceAll(strings.TrimPrefix(path, root), "/", "_") + ".pt"
			return os.WriteFile(filepath.Join(dir, name), gen.TorchZipBehind(tensors, attack), 0o644)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	point, _ := start(t, dir, "--views", "beside", "--views-from", "disarm")
	refused := 0
	for _, name := range before {
		if _, err := os.ReadFile(filepath.Join(point, name)); errors.Is(err, fs.ErrPermission) {
			refused++
			disarmed(t, point, name, tensors)
		}
	}
	if !slices.Equal(files(t, dir), before) {
		t.Errorf("a payload left something: %q", files(t, dir))
	}
	if refused == 0 {
		t.Errorf("%s holds no attack that is a pickle", root)
	}
	t.Logf("%d pickles of the corpus in front of a model, %d refused and disarmed", len(before), refused)
	inPlace(t, root)
}

// inPlace mounts the corpus itself, and holds the views of refused files against the bytes in them.
func inPlace(t *testing.T, root string) {
	t.Helper()
	point, _ := start(t, root, "--views", "beside", "--views-from", "disarm")
	refused, shown := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name := filepath.Join(point, strings.TrimPrefix(path, root))
		if _, err := os.ReadFile(name); !errors.Is(err, fs.ErrPermission) {
			return nil
		}
		refused++
		v, ok := views.ViewOf(d.Name())
		view := filepath.Join(filepath.Dir(name), v.Name)
		if _, err := os.Stat(view); !ok || err != nil {
			return nil
		}
		shown++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for tensor, b := range tensorsOf(t, view) {
			if !bytes.Contains(data, b) {
				t.Errorf("%s: the bytes of %s are not in the file", path, tensor)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files of the corpus refused, %d of them with tensors", refused, shown)
}
