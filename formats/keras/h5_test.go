package keras

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "internal", "hdf5", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestH5(t *testing.T) {
	for _, name := range []string{"earliest.h5", "latest.h5", "default.h5", "ordered.h5", "userblock.h5"} {
		good := fixture(t, name)
		if r := inspecttest.Expect(t, H5{}, good, ""); r.Format != formats.FormatKerasH5 {
			t.Errorf("%s is %s, want keras-h5", name, r.Format)
		}
		evil := bytes.Replace(good, []byte(`"Dense", `), []byte(`"Lambda",`), 1)
		inspecttest.Expect(t, H5{}, evil, formats.RuleKerasLambda)
	}
	inspecttest.Expect(t, H5{}, fixture(t, "external.h5"), formats.RuleGraphFileAccess)
	dense := bytes.Replace(fixture(t, "dense.h5"), []byte(`"Dense", `), []byte(`"Lambda",`), 1)
	inspecttest.Expect(t, H5{}, dense, formats.RuleKerasLambda)
	inspecttest.Expect(t, H5{}, fixture(t, "earliest.h5")[:600], formats.RuleFormatMalformed)
}

// TestAttributes: a configuration convicts wherever it is stored, and one that is not text is said.
func TestAttributes(t *testing.T) {
	run := func(name, value string, isText bool) string {
		v := &visitor{c: &formats.Context{}, s: &formats.Source{}}
		v.attribute("g", name, value, isText)
		return inspecttest.Rules(v.c.Result)
	}
	lambda := ` {"class_name": "Lambda"}`
	for _, tt := range []struct {
		name, value string
		isText      bool
		want        string
	}{
		{"model_config", lambda, true, formats.RuleKerasLambda}, {"anything", lambda, true, formats.RuleKerasLambda},
		{"training_config", "{}", true, ""}, {"model_config", "", false, formats.RuleFormatMalformed},
		{"note", "{ text about class_name }", true, ""},
	} {
		if got := run(tt.name, tt.value, tt.isText); got != tt.want {
			t.Errorf("%s=%s: %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
	v := &visitor{c: &formats.Context{}, s: &formats.Source{}}
	v.filter("d", 1)
	v.filter("d", 32001)
	v.unknown("g", "x")
	if got := inspecttest.Rules(v.c.Result); got != formats.RuleCustomOps+" "+formats.RuleFormatMalformed || len(v.c.Result.Findings) != 2 {
		t.Errorf("%+v", v.c.Result.Findings)
	}
}

func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: real HDF5 files are NOT tested")
	}
	for label, refused := range map[string]bool{"benign": false, "malicious": true} {
		files, _ := filepath.Glob(filepath.Join(root, "public", label, "*", "*.h5"))
		if len(files) == 0 {
			t.Errorf("%s: no .h5 file seen", label)
		}
		for _, p := range files {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			r, ok := inspecttest.Run(H5{}, b, filepath.Base(p))
			if !ok || (len(r.Findings) > 0) != refused || refused && !strings.Contains(inspecttest.Rules(r), formats.RuleKerasLambda) {
				t.Errorf("%s %s: detected %v, findings %+v", label, p, ok, r.Findings)
			}
		}
	}
}
