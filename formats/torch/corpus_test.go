package torch_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/numpy"
	"trustfs/formats/pickle"
	"trustfs/formats/skops"
	"trustfs/formats/torch"
)

// containers are the inspectors of containers and what lies in them, as formats/all runs them.
func containers() []formats.Inspector {
	out := []formats.Inspector{
		archive.Inspector{Flavors: []archive.Flavor{torch.Zip{}, numpy.NPZ{}, skops.Flavor{}}}, torch.Legacy{}, archive.Tar{}, archive.SevenZip{}, numpy.NPY{},
	}
	for _, s := range archive.Streams {
		out = append(out, s)
	}
	return append(out, pickle.Inspector{})
}

func inspectAll(b []byte, presets ...string) (*formats.Context, []string) {
	c := &formats.Context{Budget: formats.DefaultBudget(), Presets: append([]string{"torch", "numpy", "python"}, presets...)}
	var by []string
	c.Nested = func(c *formats.Context, s *formats.Source) {
		for _, i := range containers() {
			if i.Detect(c, s) {
				if s.Depth == 0 {
					by = append(by, i.Name())
				}
				i.Inspect(c, s)
			}
		}
	}
	c.Nested(c, &formats.Source{R: bytes.NewReader(b), Size: int64(len(b))})
	return c, by
}

// TestCorpus reports what is said about every file below TRUSTFS_CORPUS that some container inspector takes, and fails
// where one whose path says benign or malicious is not judged so.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: no corpus to measure on")
	}
	n := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, by := inspectAll(b, "sklearn", "scipy", "pandas")
		name := strings.TrimPrefix(path, root)
		if len(by) == 0 || len(by) == 1 && by[0] == formats.FormatPickle && !strings.Contains(name, "joblib") && os.Getenv("TRUSTFS_ALL") == "" {
			return nil
		}
		n++
		t.Logf("%-60s %v %s %d tensors: %v", name, by, c.Result.Format, c.Result.Facts.Tensors, c.Result.Findings)
		bad := slices.ContainsFunc(c.Result.Findings, func(f formats.Finding) bool { return f.Rule != formats.RuleGlobalUnknown }) // one such is admitted
		switch {
		case bad && strings.Contains(name, "benign") && !strings.Contains(name, "password"):
			t.Errorf("%s: findings on a benign file", name)
		case !bad && strings.Contains(name, "malicious"):
			t.Errorf("%s: no finding on a malicious file", name)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d containers found, error %v", n, err)
	}
}
