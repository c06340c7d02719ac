package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// torchTimes are the parts of convert.py.
type torchTimes struct{ imports, load, save, sync time.Duration }

// convertRows measures trustfs convert, which leaves OUT on the disk, beside a Python that loads the pickle and saves it.
func convertRows(r *run) error {
	dir, err := r.large()
	if err != nil {
		return err
	}
	in := filepath.Join(dir, "pickled", "pytorch_model.bin")
	theirOut, ourOut := filepath.Join(r.work, "theirs.safetensors"), filepath.Join(r.work, "ours.safetensors")
	torch := command{name: "torch", args: []string{r.python, "-c", convertPy, in, theirOut}}
	ours := command{name: "trustfs", args: []string{r.bin, "convert", "--profile", "content", in, ourOut}}
	defer os.Remove(theirOut)
	defer os.Remove(ourOut)
	var theirs, own cost
	var alone, durable time.Duration // of load and save; with the disk
	for round := range r.rounds + 1 {
		if _, err := readAll(in, make([]byte, 1<<20)); err != nil { // cached, for both
			return err
		}
		_ = os.Remove(theirOut) // that its pages are given back is no part of writing the next one
		got, err := torch.cost(true)
		if err != nil {
			return err
		}
		parts, err := partsOf(got.out)
		if err != nil {
			return err
		}
		_ = os.Remove(ourOut)
		mine, err := ours.cost(true)
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		theirs, own = theirs.less(got), own.less(mine)
		alone, durable = least(alone, parts.load+parts.save), least(durable, parts.load+parts.save+parts.sync)
	}
	r.add(convertTimes(r.size, theirs, own, alone, durable)...)
	return nil
}

func partsOf(out string) (p torchTimes, err error) {
	var s [4]float64
	_, err = fmt.Sscan(out, &s[0], &s[1], &s[2], &s[3])
	for i, d := range []*time.Duration{&p.imports, &p.load, &p.save, &p.sync} {
		*d = time.Duration(s[i] * float64(time.Second))
	}
	return p, err
}

func convertTimes(size int64, theirs, own cost, alone, durable time.Duration) []row {
	what := fmt.Sprintf("convert %d MiB, ", size>>20)
	compare := func(how string, d time.Duration, goals ...float64) row {
		faster := ratio(d, own.elapsed)
		out := row{What: what + how, Beside: fmt.Sprintf("torch %.2f s", d.Seconds()), Trusted: fmt.Sprintf("%s, on the disk", own),
			Ratio: fmt.Sprintf("%.1f times faster", faster)}
		for _, g := range goals {
			out.Goals = append(out.Goals, atLeast(faster, g, " times"))
		}
		return out
	}
	memory := float64(own.memory) / float64(theirs.memory)
	return []row{
		compare("whole process, on the disk", theirs.elapsed, 3),
		compare("beside load, save and sync without the imports", durable, 3),
		compare("beside load and save alone, not on the disk", alone),
		{What: what + "processor time", Beside: fmt.Sprintf("torch %.2f s", theirs.cpu.Seconds()), Trusted: fmt.Sprintf("%.2f s", own.cpu.Seconds()),
			Ratio: fmt.Sprintf("%.1f times less", ratio(theirs.cpu, own.cpu))},
		{What: what + "memory of all processes", Beside: fmt.Sprintf("torch %.0f MB", float64(theirs.memory)/1e6),
			Trusted: fmt.Sprintf("%.0f MB", float64(own.memory)/1e6), Ratio: fmt.Sprintf("%.2f of torch", memory), Goals: []goal{atMost(memory, 0.1, "")}},
	}
}
