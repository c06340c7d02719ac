package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// onOpener is a policy that has to be asked for each opener, and objects to none that measures.
const onOpener = `package trustfs

deny contains "not for this user" if {
	startswith(input.file.path, "restricted/")
	input.opener.uid != 0
}
`

// startAsking mounts a copy of the small model behind a policy on the opener. A directory is served once only.
func (s *stage) startAsking(work, bin string) error {
	s.asking = filepath.Join(work, "asking")
	models := filepath.Join(work, "asking-models")
	weights, err := os.ReadFile(filepath.Join(s.plain, smallName))
	if err != nil {
		return err
	}
	name := filepath.Join(models, smallName)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, weights, 0o644); err != nil {
		return err
	}
	rego := filepath.Join(work, "opener.rego")
	if err := os.WriteFile(rego, []byte(onOpener), 0o644); err != nil {
		return err
	}
	return s.start(s.asking, exec.Command(bin, "mount", "--profile", "content", "--policy", rego,
		"--state", filepath.Join(work, "state-asking"), models, s.asking))
}

// askedOpen measures open and close of a judged file where a policy asks who opens, beside the same without a policy.
func askedOpen(s *stage, rounds int) ([]row, error) {
	ways := [3]string{filepath.Join(s.plain, smallName), filepath.Join(s.trusted, smallName), filepath.Join(s.asking, smallName)}
	best, err := alternate(ways, rounds, openMany)
	if err != nil {
		return nil, err
	}
	return []row{{
		What: "cached open and close, a policy on the opener", Beside: "directory " + micro(best[0]) + ", without a policy " + micro(best[1]),
		Trusted: micro(best[2]), Ratio: fmt.Sprintf("%.2f of an open without one", ratio(best[2], best[1])),
		Goals: []goal{atMost(ratio(best[2], best[1]), 1.5, "")},
	}}, nil
}
