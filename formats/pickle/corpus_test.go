package pickle

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/globals"
)

// weights are those of the content profile, for the rules that this package finds: enough to say whether a file would
// be admitted. The table that counts stands in gatekeeper.
var weights = map[string]int{
	formats.RuleGlobalDangerous: 100, formats.RuleGlobalDynamic: 100, formats.RuleGlobalMutated: 100,
	formats.RuleGlobalUnknown: 10, formats.RuleReduce: 25, formats.RuleInst: 10, formats.RulePickleMalformed: 50,
	formats.RuleLimitExceeded: 100, formats.RulePickleExtension: 50, formats.RulePersistentID: 25,
	formats.RulePickleTrailing: 25,
}

func score(c *formats.Context) int {
	sum, unknown := 0, 0
	once := map[string]bool{}
	for _, f := range c.Result.Findings {
		switch {
		case f.Rule == formats.RuleGlobalUnknown:
			unknown += 10
		case !once[f.Rule]:
			w, ok := weights[f.Rule]
			if !ok {
				w = 100
			}
			sum += w
		}
		once[f.Rule] = true
	}
	return sum + min(unknown, 30)
}

func allPresets() []string {
	var names []string
	for _, p := range globals.Presets() {
		names = append(names, p.Name)
	}
	return names
}

// TestCorpus measures detection on the pickles of a corpus of real files, named by TRUSTFS_CORPUS: a folder with
// labels.tsv (path, label, ..., tier) and perhaps public/labels.tsv.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: detection was not measured on real files")
	}
	seen := 0
	for _, sub := range []string{"", "public"} {
		labels, err := os.ReadFile(filepath.Join(root, sub, "labels.tsv"))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(labels), "\n") {
			fields := strings.Split(line, "\t")
			if len(fields) < 2 || !slices.Contains([]string{".pkl", ".pickle"}, filepath.Ext(fields[0])) {
				continue
			}
			seen++
			corpusFile(t, filepath.Join(root, sub, fields[0]), fields[1], fields[len(fields)-1])
		}
	}
	if seen == 0 {
		t.Fatal("the corpus holds no pickles")
	}
	t.Logf("%d pickles", seen)
}

func corpusFile(t *testing.T, path, label, tier string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	c := newContext(allPresets()...)
	s := &formats.Source{R: bytes.NewReader(data), Size: int64(len(data)), Names: []string{filepath.Base(path)}}
	var in Inspector
	detected := in.Detect(c, s)
	if detected {
		in.Inspect(c, s)
	}
	refused := !detected || score(c) > 20
	report := t.Logf
	if tier != "edge" && (label == "benign") == refused {
		report = t.Errorf
	}
	var found []string
	for _, f := range c.Result.Findings {
		found = append(found, f.Rule+" "+f.Where+" "+f.Detail)
	}
	report("%s %s (%s): detected %v, score %d: %.300s", label, filepath.Base(path), tier, detected, score(c), strings.Join(found, "; "))
}

// TestBenignFolder measures false refusals: every file of the folder TRUSTFS_BENIGN is a harmless pickle.
func TestBenignFolder(t *testing.T) {
	root := os.Getenv("TRUSTFS_BENIGN")
	if root == "" {
		t.Skip("TRUSTFS_BENIGN is not set: false refusals were not measured on real files")
	}
	files, _ := filepath.Glob(filepath.Join(root, "*.p*"))
	if len(files) == 0 {
		t.Fatal("no pickles in " + root)
	}
	refused := 0
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c := newContext(allPresets()...)
		s := &formats.Source{R: bytes.NewReader(data), Size: int64(len(data))}
		if !(Inspector{}).Detect(c, s) {
			t.Errorf("%s: not detected", filepath.Base(path))
			continue
		}
		Inspector{}.Inspect(c, s)
		if len(c.Result.Findings) == 0 {
			continue
		}
		if score(c) > 20 {
			refused++
		}
		for _, f := range c.Result.Findings {
			t.Errorf("%s: %s %s %s", filepath.Base(path), f.Rule, f.Where, f.Detail)
		}
	}
	t.Logf("%d of %d refused", refused, len(files))
}
