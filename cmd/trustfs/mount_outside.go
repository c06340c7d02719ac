//go:build !lean

package main

import (
	"fmt"

	"trustfs/config"
)

// neededOutside refuses files that the daemon reads while it serves, and that lie where it serves: looking at one, it would
// wait for itself.
func neededOutside(cfg *config.Config, dir, point string) error {
	lists := cfg.Checksums
	if dir == point { // then one is reached through the tree beneath
		lists = nil
	}
	for _, f := range []struct {
		key   string
		files []string
	}{
		{"config", []string{cfg.File()}}, {"trust-key", cfg.TrustKey}, {"trusted-root", []string{cfg.TrustedRoot}},
		{"policy", cfg.Policy}, {"sbom", cfg.SBOM}, {"checksums", lists},
	} {
		for _, file := range f.files {
			if file != "" && inside(point, file) {
				return fmt.Errorf("%s (%s): %s lies in %s, which is served; keep it elsewhere", f.key, cfg.Origin(f.key), file, point)
			}
		}
	}
	return nil
}

// trouble is what is wrong with the files that the mount follows, for its status.
func (l *live) trouble() []string {
	said := []string{}
	for _, ask := range l.errs {
		if err := ask(); err != nil {
			said = append(said, err.Error())
		}
	}
	return said
}
