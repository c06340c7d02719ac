package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	var theirs, own []cost
	var alone, durable []time.Duration // load and save; with the disk
	for range max(2, r.rounds-1) + 1 { // the first warms up
		for _, out := range []string{theirOut, ourOut} {
			_ = os.Remove(out) // giving its pages back is no part of writing the next one
		}
		if _, err := readAll(in, make([]byte, 1<<20)); err != nil { // cached, for both
			return err
		}
		got, err := torch.cost(true)
		if err != nil {
			return err
		}
		parts, err := partsOf(got.out)
		if err != nil {
			return err
		}
		mine, err := ours.cost(true)
		if err != nil {
			return err
		}
		theirs, own = append(theirs, got), append(own, mine)
		alone, durable = append(alone, parts.load+parts.save), append(durable, parts.load+parts.save+parts.sync)
	}
	r.add(convertTimes(r.size, theirs[1:], own[1:], alone[1:], durable[1:])...)
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

// convertTimes compares the best of all rounds, and tells the medians: what a program pays for memory that is new to it differs
// from round to round by more than its own work.
func convertTimes(size int64, theirs, own []cost, alone, durable []time.Duration) []row {
	what := fmt.Sprintf("convert %d MiB, ", size>>20)
	elapsed := func(costs []cost) (all []time.Duration) {
		for _, c := range costs {
			all = append(all, c.elapsed)
		}
		return all
	}
	mine := elapsed(own)
	compare := func(how string, d []time.Duration, goals ...float64) row {
		faster := ratio(slices.Min(d), slices.Min(mine))
		out := row{What: what + how, Beside: "torch " + bestAndMedian(d), Trusted: bestAndMedian(mine),
			Ratio: fmt.Sprintf("%.1f times faster (medians: %.1f)", faster, ratio(median(d), median(mine)))}
		for _, g := range goals {
			out.Goals = append(out.Goals, atLeast(faster, g, " times"))
		}
		return out
	}
	theirBest, ownBest := best(theirs), best(own)
	memory := float64(ownBest.memory) / float64(theirBest.memory)
	return []row{
		compare("whole process, on the disk", elapsed(theirs), 3),
		compare("beside load, save and sync without the imports", durable),
		compare("beside load and save alone, not on the disk", alone),
		{What: what + "processor time", Beside: fmt.Sprintf("torch %.2f s", theirBest.cpu.Seconds()), Trusted: fmt.Sprintf("%.2f s", ownBest.cpu.Seconds()),
			Ratio: fmt.Sprintf("%.1f times less", ratio(theirBest.cpu, ownBest.cpu))},
		{What: what + "memory of all processes", Beside: fmt.Sprintf("torch %.0f MB", float64(theirBest.memory)/1e6),
			Trusted: fmt.Sprintf("%.0f MB", float64(ownBest.memory)/1e6), Ratio: fmt.Sprintf("%.2f of torch", memory), Goals: []goal{atMost(memory, 0.1, "")}},
	}
}

func best(costs []cost) cost {
	return slices.MinFunc(costs, func(a, b cost) int { return cmp.Compare(a.elapsed, b.elapsed) })
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func bestAndMedian(d []time.Duration) string {
	return fmt.Sprintf("%.2f s (median %.2f)", slices.Min(d).Seconds(), median(d).Seconds())
}
