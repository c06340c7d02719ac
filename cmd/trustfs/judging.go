package main

import (
	"context"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/internal/lean"
	"trustfs/internal/term"
	"trustfs/internal/walk"
	"trustfs/jail"
)

// An item is one file that a command was asked about.
type item struct {
	tree   *tree
	entry  walk.Entry
	name   string // as it was given, for people and reports
	report *gatekeeper.Report
}

// list finds the files that paths on a command line stand for. A folder stands for all that is below it.
func (j *judges) list(ctx context.Context, paths []string) ([]*item, error) {
	var items []*item
	var n few
	for _, given := range paths {
		dir, rel, err := walk.Split(given)
		if err != nil {
			return nil, err
		}
		t, err := j.tree(dir)
		if err != nil {
			return nil, err
		}
		if rel != "" {
			e := walk.One(t.root, rel)
			items = append(items, &item{tree: t, name: given, entry: e})
			if err := n.add(e.Size); err != nil {
				return nil, err
			}
			continue
		}
		err = walk.Each(ctx, t.root, "", func(e walk.Entry) error {
			items = append(items, &item{tree: t, name: filepath.Join(given, e.Path), entry: e})
			return n.add(e.Size)
		})
		if err != nil {
			return nil, err
		}
	}
	return items, nil
}

// manyItems is how many items' reports make a heap of some 20 MB.
const manyItems = 10_000

// judgeAll judges in parallel, and hands the items to emit in their order, each as soon as it and those before it are
// done.
func judgeAll(ctx context.Context, items []*item, bar *term.Progress, emit func(*item) error) error {
	if !lean.Build && len(items) <= manyItems { // what is kept of them is little, and would be looked through again and again
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make([]chan struct{}, len(items))
	for i := range done {
		done[i] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return emitInOrder(ctx, items, done, emit) })
	next := make(chan int)
	group.Go(func() error {
		defer close(next)
		for i := range items {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	large := make(chan struct{}, 2*runtime.GOMAXPROCS(0)) // more than cores: a judge waits for its worker, and for the disk
	for range min(len(items), jail.Together) {
		group.Go(func() error {
			for i := range next {
				if err := items[i].judgeAmong(ctx, large, bar); err != nil {
					return err
				}
				close(done[i])
			}
			return nil
		})
	}
	return group.Wait()
}

func emitInOrder(ctx context.Context, items []*item, done []chan struct{}, emit func(*item) error) error {
	for i, it := range items {
		select {
		case <-done[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := emit(it); err != nil {
			return err
		}
	}
	return nil
}

// judgeAmong is judge with few large files at a time. Small ones are many: those that wait together go to a worker together.
func (it *item) judgeAmong(ctx context.Context, large chan struct{}, bar *term.Progress) error {
	if it.entry.Size > jail.MaxSmall {
		large <- struct{}{}
		defer func() { <-large }()
	}
	return it.judge(ctx, bar)
}

// judge fills in the report. What cannot be opened is refused with the reason, as an open through a mount would be.
func (it *item) judge(ctx context.Context, bar *term.Progress) error {
	if it.entry.Kind != walk.Regular {
		it.refuse(it.entry.Why)
		return nil
	}
	f, err := it.tree.root.Regular(it.entry.Path)
	if err != nil {
		it.refuse(err.Error())
		return nil
	}
	defer f.Close()
	steps := &steps{bar: bar}
	judged, err := it.tree.gate.Judge(ctx, gatekeeper.Subject{File: f, Path: it.entry.Path, Tree: it.tree.root, Progress: steps.to})
	steps.to(it.entry.Size) // findings known already cost no pass over the bytes
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		it.refuse(err.Error())
		return nil
	}
	r := *judged.Report // the gate's own copy is shared
	it.report = &r
	r.SetPath(it.name)
	return nil
}

func (it *item) refuse(why string) {
	it.report = &gatekeeper.Report{
		Verdict: gatekeeper.Deny, Level: gatekeeper.Critical, Format: formats.FormatOpaque, Class: formats.ClassOpaque,
		Size: it.entry.Size, Breakdown: map[string]int{}, Findings: []gatekeeper.Finding{}, Reasons: []string{why},
		Provenance: gatekeeper.Provenance{Checksum: "none", Signature: gatekeeper.Signature{Status: "none"}, SBOM: "none"},
	}
	it.report.SetPath(it.name)
}

// steps turns "so many bytes so far" into additions to a bar, from several goroutines.
type steps struct {
	bar  *term.Progress
	mu   sync.Mutex
	done int64 // guarded by mu
}

func (s *steps) to(done int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done > s.done {
		s.bar.Add(done - s.done)
		s.done = done
	}
}

// totalSize is what a bar over the items counts to.
func totalSize(items []*item) (n int64) {
	for _, it := range items {
		n += it.entry.Size
	}
	return n
}
