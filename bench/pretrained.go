package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pretrainedRows measures transformers' own loading of a BERT: the plain directory with its safetensors, the same through a
// mount, and a folder that has nothing but a pickle, which the mount hides behind its view.
func pretrainedRows(r *run) error {
	dir, err := r.bert()
	if err != nil {
		return err
	}
	point := filepath.Join(r.work, "bert")
	var s servers
	defer s.close()
	time.Sleep(settled)
	err = s.start(point, exec.Command(r.bin, "mount", "--profile", "content", "--views", "only", "--state", filepath.Join(r.work, "state-bert"), dir, point))
	if err != nil {
		return err
	}
	if left, err := os.ReadDir(filepath.Join(point, "pickled")); err != nil || strings.Contains(fmt.Sprint(left), ".bin") {
		return fmt.Errorf("the pickle is not hidden: %v, %v", left, err)
	}
	real, pickle := filepath.Join(dir, "safe", "model.safetensors"), filepath.Join(dir, "pickled", "pytorch_model.bin")
	folders := []string{filepath.Join(dir, "safe") + "=" + real, filepath.Join(point, "safe") + "=" + real, filepath.Join(point, "pickled") + "=" + pickle}
	for _, how := range []struct{ word, what string }{
		{"kept", "from_pretrained of a BERT (438 MB), read before"},
		{"fresh", "from_pretrained of a BERT (438 MB), every byte served"},
	} {
		best, err := r.loads(how.word, folders)
		if err != nil {
			return err
		}
		mounted, plain := ratio(best[2], best[1]), ratio(best[2], best[0])
		out := row{
			What: how.what, Beside: fmt.Sprintf("directory %.0f ms, a real file in the mount %.0f ms", ms(best[0]), ms(best[1])),
			Trusted: fmt.Sprintf("%.0f ms", ms(best[2])), Ratio: fmt.Sprintf("%.2f of a real file, %.2f of the directory", mounted, plain),
			Goals: []goal{atMost(mounted, 1.1, "")},
		}
		if how.word == "kept" { // the directory's bytes come from the page cache: so must the mount's
			out.Goals = append(out.Goals, atMost(plain, 1.3, ""))
		}
		r.add(out)
	}
	return nil
}

// loads gives the best time of each folder.
func (r *run) loads(how string, folders []string) ([]time.Duration, error) {
	cmd, err := r.script(pretrainedPy, append([]string{strconv.Itoa(r.rounds), how}, folders...)...)
	if err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("from_pretrained: %w", err)
	}
	var best []time.Duration
	for _, word := range strings.Fields(string(out)) {
		s, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, err
		}
		best = append(best, time.Duration(s*float64(time.Second)))
	}
	if len(best) != len(folders) {
		return nil, fmt.Errorf("from_pretrained: %d times of %d folders", len(best), len(folders))
	}
	return best, nil
}
