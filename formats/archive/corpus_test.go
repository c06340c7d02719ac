package archive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive/archivetest"
)

// TestCorpus reports what the container inspectors say about every archive below TRUSTFS_CORPUS, and fails where one
// whose path says it is benign has a finding.
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
		r := &archivetest.Recorder{}
		c := r.Context()
		nested := c.Nested
		c.Nested = func(c *formats.Context, s *formats.Source) { nested(c, s); inspectAny(c, s) }
		if by := inspectAny(c, archivetest.Source(b)); by != "" {
			n++
			t.Logf("%-60s %-6s %d members, %v", strings.TrimPrefix(path, root), by, len(r.Members), c.Result.Findings)
			if strings.Contains(path, "benign") && !strings.Contains(path, "password") && len(c.Result.Findings) > 0 {
				t.Errorf("%s: findings on a benign file: %v", path, c.Result.Findings)
			}
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d archives found, error %v", n, err)
	}
}

func inspectAny(c *formats.Context, s *formats.Source) (by string) {
	all := []formats.Inspector{Inspector{}, Tar{}, SevenZip{}}
	for _, i := range Streams {
		all = append(all, i)
	}
	for _, i := range all {
		if i.Detect(c, s) {
			by += i.Name()
			i.Inspect(c, s)
		}
	}
	return by
}
