package keras

import (
	"archive/zip"
	"bytes"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/internal/inspecttest"
)

func archiveOf(t *testing.T, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		m, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Store})
		if err == nil {
			_, err = m.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestZip(t *testing.T) {
	inspector := archive.Inspector{Flavors: []archive.Flavor{Zip{}}}
	config := `{"module":"keras","class_name":"Sequential","config":{"layers":[]}}`
	run := func(config string) formats.Result {
		r, _ := inspecttest.Run(inspector, archiveOf(t, "metadata.json", "{}", "config.json", config, "model.weights.h5", "x"))
		return r
	}
	if r := run(config); r.Format != formats.FormatKerasZip || inspecttest.Rules(r) != "" {
		t.Errorf("%s: %+v", r.Format, r.Findings)
	}
	r := run(`{"class_name":"Lambda"}`)
	if inspecttest.Rules(r) != formats.RuleKerasLambda || r.Findings[0].Where != "config.json:config/Lambda" {
		t.Errorf("%+v", r.Findings)
	}
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(`{"class_name":"Lambda"}`) {
		utf16 = append(utf16, b, 0)
	}
	if got := inspecttest.Rules(run(string(utf16))); got != formats.RuleFormatMalformed {
		t.Errorf("a configuration in UTF-16: %q", got)
	}
	r, _ = inspecttest.Run(inspector, archiveOf(t, "config.json", `{"class_name":"Lambda"}`))
	if r.Format == formats.FormatKerasZip {
		t.Error("any archive with a config.json is a Keras model")
	}
}
