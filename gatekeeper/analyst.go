package gatekeeper

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/jail"
	"trustfs/jail/tasks"
	"trustfs/views"
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
	answer, err := j.run(ctx, jail.Job{Task: tasks.Inspect, File: f, Manifest: m, Request: req, Reuse: j.Reuse})
	if err != nil {
		return nil, err
	}
	r, err := tasks.DecodeResult(answer)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// View has a worker make the view of f called name.
func (j *Jailed) View(ctx context.Context, f *os.File, m *integrity.Manifest, name string, kind views.Kind) (*views.Answer, error) {
	req := tasks.ViewRequest{Name: []byte(path.Base(name)), Kind: kind, Presets: j.Presets, Budget: j.Budget}
	answer, err := j.run(ctx, jail.Job{Task: tasks.View, File: f, Manifest: m, Request: req})
	if err != nil {
		return nil, err
	}
	a, err := tasks.DecodeAnswer(answer, kind, m.Size)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// run gives a job to the pool, and says in the log what became of a worker that gave no answer.
func (j *Jailed) run(ctx context.Context, job jail.Job) ([]byte, error) {
	answer, err := j.Pool.Run(ctx, job)
	var dead *jail.WorkerError
	if errors.As(err, &dead) && j.Log != nil {
		j.Log.Error("worker.killed", "path", job.File.Name(), "sha256", job.Manifest.Digest.String(), "task", job.Task,
			"reason", dead.Reason, "signal", int(dead.Signal), "syscall", dead.Syscall, "detail", dead.Detail)
	}
	return answer, err
}
