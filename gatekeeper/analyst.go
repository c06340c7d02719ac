package gatekeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/jail"
)

// Jailed is the Analyst that asks a jailed worker.
type Jailed struct {
	Pool    *jail.Pool
	Presets []string
	Budget  formats.Budget
	// Reuse lets one worker judge many files: for audits, which are advice. Behind a mount every file gets a fresh worker.
	Reuse bool
	Log   *slog.Logger
}

// Analyse runs the inspection of f in a worker and checks that the answer has the form of one. A worker that ended in any
// other way than by answering is said in the log (worker.killed) and is an error.
func (j *Jailed) Analyse(ctx context.Context, f *os.File, m *integrity.Manifest, names []string) (*formats.Result, error) {
	req := formats.Request{Presets: j.Presets, Budget: j.Budget}
	for _, n := range names {
		req.Names = append(req.Names, []byte(n))
	}
	answer, err := j.Pool.Run(ctx, jail.Job{Task: formats.TaskInspect, File: f, Manifest: m, Request: req, Reuse: j.Reuse})
	if err != nil {
		var dead *jail.WorkerError
		if errors.As(err, &dead) && j.Log != nil {
			j.Log.Error("worker.killed", "path", f.Name(), "sha256", m.Digest.String(), "reason", dead.Reason,
				"signal", int(dead.Signal), "syscall", dead.Syscall, "detail", dead.Detail)
		}
		return nil, err
	}
	return decodeResult(answer)
}

// decodeResult takes an answer apart without trust: the worker may be in the hands of the file that it judged. What it can
// say at worst is that its own file is clean; what it cannot do is break the report.
func decodeResult(answer []byte) (*formats.Result, error) {
	var r formats.Result
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fmt.Errorf("the worker's answer: %w", err)
	}
	switch {
	case r.Format == "" || len(r.Format) > 64:
		return nil, errors.New("the worker's answer names no format")
	case r.Class != formats.ClassModel && r.Class != formats.ClassCode && r.Class != formats.ClassDocument && r.Class != formats.ClassOpaque:
		return nil, fmt.Errorf("the worker's answer: class %q", r.Class)
	case r.Findings == nil:
		return nil, errors.New("the worker's answer has no list of findings")
	case len(r.Findings) > 2*formats.MaxFindings || len(r.Facts.Globals) > formats.MaxGlobals || len(r.Facts.Calls) > formats.MaxCalls:
		return nil, errors.New("the worker's answer is longer than an inspection may be")
	}
	for _, f := range r.Findings {
		if f.Rule == "" || len(f.Rule) > 64 || len(f.Detail) > formats.MaxDetail || len(f.Where) > formats.MaxDetail {
			return nil, errors.New("the worker's answer: a finding out of its bounds")
		}
	}
	return &r, nil
}
