package numpy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpus reports what is said about every .npy file below TRUSTFS_CORPUS, and fails where one whose path says it is
// benign has a finding.
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
		if err != nil || !bytes.HasPrefix(b, []byte(magic)) {
			return err
		}
		n++
		c, r := inspect(b)
		t.Logf("%-60s %v %v pickles %d, %v", strings.TrimPrefix(path, root), c.Result.Facts.Dtypes, c.Result.Facts.Parameters, len(r.Members), c.Result.Findings)
		if strings.Contains(path, "benign") && len(c.Result.Findings) > 0 {
			t.Errorf("%s: findings on a benign file: %v", path, c.Result.Findings)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d arrays found, error %v", n, err)
	}
}
