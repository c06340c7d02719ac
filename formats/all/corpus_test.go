package all

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/formats"
)

// light are the rules that alone do not refuse a file at the default maximum, with the findings of one rule that do.
var light = map[string]int{
	formats.RuleGlobalUnknown: 3, formats.RuleInst: 3, formats.RuleHeaderOversized: 2, formats.RuleONNXNested: 3, formats.RuleRemoteReference: 1000,
}

// refused says whether the findings would refuse a file that is judged on content alone.
func refused(r formats.Result) bool {
	count := map[string]int{}
	for _, f := range r.Findings {
		if n, ok := light[f.Rule]; !ok || count[f.Rule]+1 >= n {
			return true
		}
		count[f.Rule]++
	}
	return len(count) > 1
}

// TestCorpus holds every labelled file of a corpus against the whole table: malicious and malformed ones refused, benign
// ones admitted with every preset on.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: detection over real files is NOT tested")
	}
	presets := []string{"torch", "numpy", "python", "sklearn", "scipy", "pandas", "xgboost", "lightgbm", "lightning", "transformers", "ultralytics", "fastai"}
	counts := map[string]int{}
	for _, dir := range []string{root, filepath.Join(root, "public")} {
		for _, row := range labels(t, filepath.Join(dir, "labels.tsv")) {
			p := filepath.Join(dir, row[0])
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			r := Inspect(strings.NewReader(string(b)), int64(len(b)), []string{filepath.Base(p)}, Options{Presets: presets})
			counts[row[1]]++
			say := t.Errorf
			if len(row) > 6 && row[6] == "edge" { // labels that people disagree on
				say = t.Logf
			}
			if refused(r) != (row[1] != "benign") {
				say("%s %s: format %s class %s formats %v findings %+v", row[1], row[0], r.Format, r.Class, r.Formats, r.Findings)
			}
		}
	}
	t.Logf("files by label: %v", counts)
	if counts["benign"] == 0 || counts["malicious"] == 0 {
		t.Error("no files of both labels")
	}
}

// labels reads path and label of each row.
func labels(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if cols := strings.Split(s.Text(), "\t"); len(cols) >= 2 && cols[1] != "label" {
			rows = append(rows, cols)
		}
	}
	return rows
}
