package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"trustfs/internal/dense"
)

// denseSize is that of a pickle that is nearly all opcodes, in bytes.
const denseSize = 200_000_000

// denseRows measures the pickle machine in its jail. It is the worker's processor time that counts, from its start to its
// end: reading and checking its chunks is in it, the one pass over the file that hashes it is not.
func denseRows(r *run) error {
	for i := range dense.Shapes {
		shape := &dense.Shapes[i]
		row, err := r.denseRow(shape)
		if err != nil {
			return fmt.Errorf("%s: %w", shape.Name, err)
		}
		r.add(*row)
	}
	return nil
}

func (r *run) denseRow(shape *dense.Shape) (*row, error) {
	name := filepath.Join(r.work, "dense.pkl")
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer os.Remove(name)
	entries, err := shape.Write(f, denseSize)
	f.Close()
	if err != nil {
		return nil, err
	}
	a, err := r.analysed(name, false)
	if err != nil {
		return nil, err
	}
	mb := float64(a.Memory) / 1e6
	out := &row{What: "200 MB of opcodes: " + shape.Name, Beside: shape.About}
	if shape.Refused != "" {
		said := a.Error
		for _, f := range a.Result.Findings {
			said += " " + f.Detail
		}
		if !strings.Contains(said, shape.Refused) {
			return nil, fmt.Errorf("expected a refusal that names %q, found %q", shape.Refused, said)
		}
		out.Trusted = fmt.Sprintf("refused by name (%s) after %.2f s", shape.Refused, a.CPU.Seconds())
		out.Ratio = fmt.Sprintf("%.0f MB", mb)
		return out, nil
	}
	if a.Error != "" {
		out.Trusted, out.Goals = "NOT ANALYSED: "+a.Error, []goal{atLeast(0, 100, " MB/s")}
		return out, nil
	}
	rate := denseSize / 1e6 / a.CPU.Seconds()
	allowed := 64 + 24*float64(entries)/1e6
	out.Trusted = fmt.Sprintf("%.0f MB/s a core, %.0f MB", rate, mb)
	out.Ratio = fmt.Sprintf("%.1f million entries alive at once", float64(entries)/1e6)
	out.Goals = []goal{atLeast(rate, 100, " MB/s"), atMost(mb, float64(int(allowed+0.5)), " MB")}
	return out, nil
}
