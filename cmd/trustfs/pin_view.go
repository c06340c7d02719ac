//go:build !lean

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"trustfs/fs"
	"trustfs/internal/mounts"
)

// sourcesOfViews puts, for each path that is a view in a mount, the file that the view shows: the origin of a view is its
// source's, so a pin of the view is one of the source. Other paths stay.
func sourcesOfViews(paths []string) ([]string, error) {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = p
		if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
			continue // what is wrong with it is said when it is judged
		}
		r, err := mounts.Report(p)
		if errors.Is(err, mounts.ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r.Facts.ViewOf == "" {
			continue
		}
		dir, err := behind(p)
		if err != nil {
			return nil, fmt.Errorf("%s is a view of %s, and has its origin; that file could not be found: %w", p, r.Facts.ViewOf, err)
		}
		out[i] = filepath.Join(dir, r.Facts.ViewOf)
	}
	return out, nil
}

// behind gives the real directory of the mount that p lies in: it is where status.json says, unless the mount stands over
// it; then it is in the mount's run directory.
func behind(p string) (string, error) {
	m, err := mounts.At(p)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(m.Point, ".trustfs", "status.json"))
	if err != nil {
		return "", err
	}
	var status struct {
		Dir     string `json:"dir"`
		Backing string `json:"backing"`
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return "", fmt.Errorf("status of the mount: %w", err)
	}
	if status.Dir != "" && status.Dir != m.Point {
		return status.Dir, nil
	}
	if status.Backing != "" {
		return status.Backing, nil
	}
	return "", fmt.Errorf("the mount stands over it; pin it by its path in the real directory, below %s", fs.DefaultRunDir)
}
