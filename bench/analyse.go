package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/jail"
	"trustfs/views"
)

// An analysis is what jailed workers took over one file that had been hashed already.
type analysis struct {
	Inspect time.Duration  // elapsed, a worker that was ready
	CPU     time.Duration  // of that worker, from its start to its end
	Memory  int64          // bytes resident in it at most
	Result  formats.Result // what it found
	Error   string         // why there is none
	View    time.Duration  // elapsed of a second one, which laid out the view; 0 if there is none
}

// analysed starts bench again to analyse path, and to lay out its view if that is wanted: the processor time and the memory of its children are the workers' alone.
func (r *run) analysed(path string, view bool) (*analysis, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "analyse", path, strconv.FormatBool(view))
	cmd.Stderr, cmd.Env = os.Stderr, append(os.Environ(), "BENCH_WORKER="+filepath.Join(filepath.Dir(r.bin), "trustfs-worker"))
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("analysing %s: %w", path, err)
	}
	a := new(analysis)
	return a, json.Unmarshal(out, a)
}

// ready is long enough for a worker that was started ahead of need to be there.
const ready = 200 * time.Millisecond

// analyse prints the analysis of path as JSON.
func analyse(path string, view bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	ctx := context.Background()
	m, err := integrity.Build(ctx, f, st.Size(), nil)
	if err != nil {
		return err
	}
	a := new(analysis)
	if err := a.inspect(ctx, f, m); err != nil {
		return err
	}
	if view && a.Error == "" {
		if err := a.view(ctx, f, m); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

// inWorker runs one job on a pool of one worker, and waits until it is gone.
func inWorker(job func(*gatekeeper.Jailed) error) error {
	pool, err := jail.NewPool(jail.Config{WorkerPath: os.Getenv("BENCH_WORKER"), PoolSize: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	time.Sleep(ready)
	return job(&gatekeeper.Jailed{Pool: pool, Presets: globals.Defaults()})
}

func (a *analysis) inspect(ctx context.Context, f *os.File, m *integrity.Manifest) error {
	err := inWorker(func(j *gatekeeper.Jailed) error {
		start := time.Now()
		result, err := j.Analyse(ctx, f, m, []string{filepath.Base(f.Name())})
		a.Inspect = time.Since(start)
		if err != nil {
			a.Error = err.Error()
			return nil
		}
		a.Result = *result
		return nil
	})
	var usage syscall.Rusage
	if err == nil {
		err = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage)
	}
	a.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	a.Memory = usage.Maxrss << 10
	return err
}

func (a *analysis) view(ctx context.Context, f *os.File, m *integrity.Manifest) error {
	shown, ok := views.ViewOf(filepath.Base(f.Name()))
	if !ok {
		return fmt.Errorf("%s: no name of a source", f.Name())
	}
	return inWorker(func(j *gatekeeper.Jailed) error {
		start := time.Now()
		answer, err := j.View(ctx, f, m, shown.Name, shown.Kind)
		if err == nil && answer.Plan != nil {
			a.View = time.Since(start)
		}
		return err
	})
}
