package main

import (
	"context"
	"os"

	"trustfs/config"
	"trustfs/internal/lean"
	"trustfs/internal/term"
)

// What the lean program judges by itself. More is the engine's from the start: its longer start does not show there, it
// prints each report as soon as it is ready, and nothing large is hashed twice when a file has evidence that needs it.
const (
	fewFiles = 4096
	fewBytes = 64 << 20
)

// few counts what there is to judge.
type few struct {
	files int
	bytes int64
}

// add is an ErrBeyond once the lean program has met more than it judges by itself.
func (f *few) add(size int64) error {
	switch {
	case !lean.Build:
		return nil
	case f.files == fewFiles:
		return lean.Beyond("many files")
	case size > fewBytes-f.bytes:
		return lean.Beyond("many bytes")
	}
	f.files++
	f.bytes += size
	return nil
}

// tooMuch hands over, before anything is started, what surely needs the engine. What it does not see here is seen later.
func tooMuch(cfg *config.Config, paths []string) error {
	switch {
	case !lean.Build:
		return nil
	case len(cfg.Policy) > 0:
		return lean.Beyond("a policy")
	case cfg.TrustedRoot != "":
		return lean.Beyond("a trusted root of Sigstore")
	case len(cfg.SBOM) > 0 || cfg.RequireSBOM:
		return lean.Beyond("bills of materials")
	}
	var n few
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil || st.IsDir() {
			continue // said, or walked through, in the place for it
		}
		if err := n.add(st.Size()); err != nil {
			return err
		}
	}
	return nil
}

// judgeFew is judgeAll that hands the items to emit only once it is known that nothing was beyond this program: what has
// been printed could not be taken back.
func judgeFew(ctx context.Context, j *judges, items []*item, bar *term.Progress, emit func(*item) error) error {
	err := judgeAll(ctx, items, bar, func(*item) error { return j.lack() }) // the rest is not judged for nothing
	if err == nil {
		err = j.whole()
	}
	for i := 0; err == nil && i < len(items); i++ {
		err = emit(items[i])
	}
	return err
}
