package jail

import (
	"cmp"
	"context"
)

// Run has a worker do the job and returns the task's JSON. Errors are *WorkerError (no good answer), *TaskError (the task
// itself failed), ctx's error, or plain ones for a job that is not well formed. Every error must refuse the file.
//
// When ctx is done the worker is killed; a caller that only stops waiting should let Run go on.
func (p *Pool) Run(ctx context.Context, job Job) ([]byte, error) {
	e, err := job.encode(p.cfg.Limits)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	w, err := p.take(ctx, job)
	if err != nil {
		p.leave()
		return nil, err
	}
	kind, b, err := w.do(ctx, e)
	if err != nil {
		err = w.autopsy(ctx, e, err)
	}
	var out []byte
	if err == nil {
		out, err = verdict(job.Task, w.proc.Pid, kind, b)
	}
	if job.Reuse && err == nil && p.keep(w, maxWear/maxReuse) {
		p.leave()
		return out, nil
	}
	go func() { // the answer need not wait for the funeral, but the next worker does
		p.retire(w)
		p.leave()
	}()
	return out, err
}

// enter waits for the right to use a worker.
func (p *Pool) enter(ctx context.Context) error {
	if !p.begin() {
		return errClosed
	}
	select {
	case p.active <- struct{}{}:
		return nil
	case <-ctx.Done():
		p.wg.Done()
		return ctx.Err()
	}
}

// begin counts a job, unless the pool is closed: Close waits for those that were counted before.
func (p *Pool) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quit.Err() != nil {
		return false
	}
	p.wg.Add(1)
	return true
}

func (p *Pool) leave() {
	<-p.active
	p.wg.Done()
}

// take finds a living worker.
func (p *Pool) take(ctx context.Context, job Job) (*worker, error) {
	if w := p.takeReusable(job.Reuse); w != nil {
		return w, nil
	}
	if p.cfg.OnDemand {
		return p.takeNew(ctx, job)
	}
	for {
		select {
		case w := <-p.idle:
			if w.alive() {
				return w, nil
			}
			p.retire(w) // killed while idle: it has seen nothing, another takes its place
		case err := <-p.broken:
			return nil, &WorkerError{Reason: ReasonStart, Task: job.Task, Err: err}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.quit.Done():
			return nil, errClosed
		}
	}
}

// takeNew gives the worker that the pool began with, then starts one for each job that finds none.
func (p *Pool) takeNew(ctx context.Context, job Job) (*worker, error) {
	select {
	case <-p.settled:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.quit.Done():
		return nil, errClosed
	}
	err := p.unsettled
	select {
	case w := <-p.idle:
		if w.alive() {
			return w, nil
		}
		p.retire(w)
	default:
	}
	for range attempts {
		if err != nil || p.quit.Err() != nil {
			break
		}
		var w *worker
		if w, err = p.newWorker(); err == nil {
			return w, nil
		}
	}
	return nil, &WorkerError{Reason: ReasonStart, Task: job.Task, Err: cmp.Or(err, errClosed)}
}

// What one worker of an audit judges before another takes its place: so many files each by itself, or in batches of small
// ones so many.
const (
	maxReuse = 64
	maxWear  = 2048
)

func (p *Pool) takeReusable(want bool) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	for want && len(p.reuse) > 0 {
		w := p.reuse[len(p.reuse)-1]
		p.reuse = p.reuse[:len(p.reuse)-1]
		if w.alive() && w.clean() {
			return w
		}
		p.retire(w)
	}
	return nil
}

// keep puts a worker aside for the next files of an audit, if it may have others.
func (p *Pool) keep(w *worker, wear int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.wear += wear; w.wear >= maxWear || p.quit.Err() != nil || len(p.reuse) >= p.cfg.MaxWorkers {
		return false
	}
	p.reuse = append(p.reuse, w)
	return true
}

// retire ends a worker and frees what it held.
func (p *Pool) retire(w *worker) {
	w.end()
	w.stderr.Close()
	p.cgroups.give(w.slot)
}
