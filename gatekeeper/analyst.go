package gatekeeper

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/jail"
	"trustfs/jail/tasks"
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

// Analyse runs the inspection of f in a worker and checks that the answer has the form of one (tasks.DecodeResult). A worker that ended in any
// other way than by answering is said in the log (worker.killed) and is an error.
func (j *Jailed) Analyse(ctx context.Context, f *os.File, m *integrity.Manifest, names []string) (*formats.Result, error) {
	req := tasks.NewInspectRequest(names, j.Presets, j.Budget)
	answer, err := j.Pool.Run(ctx, jail.Job{Task: tasks.Inspect, File: f, Manifest: m, Request: req, Reuse: j.Reuse})
	if err != nil {
		var dead *jail.WorkerError
		if errors.As(err, &dead) && j.Log != nil {
			j.Log.Error("worker.killed", "path", f.Name(), "sha256", m.Digest.String(), "reason", dead.Reason,
				"signal", int(dead.Signal), "syscall", dead.Syscall, "detail", dead.Detail)
		}
		return nil, err
	}
	r, err := tasks.DecodeResult(answer)
	if err != nil {
		return nil, err
	}
	return &r, nil
}
