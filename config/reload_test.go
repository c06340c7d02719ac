package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/pflag"
)

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.yaml")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	put("trust-key: [a.pub, b.pub]\nmax-score: 5\n")
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags := Bind(set, Judging)
	if err := set.Parse([]string{"--config", "t.yaml", "--max-score", "7", "--sbom", "s.json"}); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/") // as a daemon does: nothing depends on where it was started
	put("trust-key: [b.pub]\nmax-score: 9\nsbom: [other.json]\nprofile: content\n")
	again, err := c.Reload()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.TrustKey, []string{filepath.Join(dir, "b.pub")}) {
		t.Errorf("trust-key %q: the file's new value was expected", again.TrustKey)
	}
	if again.MaxScore != 7 || !slices.Equal(again.SBOM, []string{filepath.Join(dir, "s.json")}) {
		t.Errorf("max-score %d, sbom %q: the command line's were expected", again.MaxScore, again.SBOM)
	}
	if got := c.Changed(again); !slices.Equal(got, []string{"profile", "trust-key"}) {
		t.Errorf("changed: %q", got)
	}
	third, err := again.Reload()
	if err != nil || third.MaxScore != 7 {
		t.Errorf("a second time: %v, %v", third, err)
	}
	put("trust-keys: [b.pub]\n")
	if _, err := c.Reload(); err == nil {
		t.Error("a file with an unknown key was taken")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reload(); err == nil {
		t.Error("a configuration that is gone became the defaults")
	}
}

func TestReloadOfTheDefaultFile(t *testing.T) {
	c := Default()
	c.file = filepath.Join(t.TempDir(), "trustfs.yaml") // in place of DefaultFile, which is the host's
	if _, err := c.Reload(); err != nil {
		t.Errorf("no file, as before: %v", err)
	}
	if err := os.WriteFile(c.file, []byte("max-score: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := c.Reload(); err != nil || again.MaxScore != 3 {
		t.Errorf("a file that came later: %v", err)
	}
}
