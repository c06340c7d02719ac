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
	return decoded(answer)
}

// TakesContent says whether AnalyseContent is for a file of size bytes.
func (j *Jailed) TakesContent(size int64) bool { return j.Reuse && size <= jail.MaxSmall }

// AnalyseContent is Analyse for content, which m names, of a small file. Those that wait together go to a worker together.
func (j *Jailed) AnalyseContent(ctx context.Context, f *os.File, m *integrity.Manifest, content []byte, names []string) (*formats.Result, error) {
	req := tasks.NewInspectRequest(names, j.Presets, j.Budget)
	answer, err := j.Pool.RunSmall(ctx, jail.Small{Task: tasks.Inspect, Content: content, Request: req})
	j.mourn(err, f, m, tasks.Inspect)
	if err != nil {
		return nil, err
	}
	return decoded(answer)
}

func decoded(answer []byte) (*formats.Result, error) {
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

// run gives a job to the pool.
func (j *Jailed) run(ctx context.Context, job jail.Job) ([]byte, error) {
	answer, err := j.Pool.Run(ctx, job)
	j.mourn(err, job.File, job.Manifest, job.Task)
	return answer, err
}

// mourn says in the log what became of a worker that gave no answer.
func (j *Jailed) mourn(err error, f *os.File, m *integrity.Manifest, task string) {
	if dead, ok := errors.AsType[*jail.WorkerError](err); ok && j.Log != nil {
		j.Log.Error("worker.killed", "path", f.Name(), "sha256", m.Digest.String(), "task", task,
			"reason", dead.Reason, "signal", int(dead.Signal), "syscall", dead.Syscall, "detail", dead.Detail)
	}
}
