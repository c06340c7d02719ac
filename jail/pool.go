package jail

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Pool gives each job a jailed worker, most often one that was started ahead of need. It is safe for parallel use.
type Pool struct {
	cfg     Config
	launch  launcher
	missing []string
	cgroups *cgroups
	log     *kernelLog

	active chan struct{} // one token a judging worker
	idle   chan *worker  // jailed, fresh
	broken chan error    // offered while workers cannot be started

	mu    sync.Mutex
	reuse []*worker // jailed, have answered well before; guarded by mu

	quit  context.Context
	close context.CancelFunc
	wg    sync.WaitGroup // fillers and running jobs
}

// fillers start workers beside one another: while one is on its way into the jail, the next is born.
const fillers = 2

// NewPool starts the first workers. It fails when the host cannot give the jail that cfg.Require asks for, and says which
// layer is missing; Probe says how to mend it.
func NewPool(cfg Config) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pool{cfg: cfg, active: make(chan struct{}, cfg.MaxWorkers), broken: make(chan error),
		idle: make(chan *worker, max(0, cfg.PoolSize-fillers))}
	if p.launch, err = newLauncher(cfg.WorkerPath); err != nil {
		return nil, err
	}
	p.launch.limits = cfg.Limits
	// One leaf for each worker that can be alive: idle, in a filler's hands, judging (and its successor), kept for reuse.
	leaves := cfg.PoolSize + 2*fillers + 3*cfg.MaxWorkers
	if p.cgroups, err = newCgroups(cfg.CgroupRoot, leaves, cfg.Limits.DataMax+gib); err != nil {
		p.launch.close()
		return nil, err
	}
	p.quit, p.close = context.WithCancel(context.Background())
	first, err := p.settleLayers()
	if err != nil {
		p.close()
		p.launch.close()
		p.cgroups.close()
		return nil, err
	}
	p.log = openKernelLog() // workers that begin later have it; the first one gets it here
	first.log = p.log
	p.wg.Add(fillers)
	go p.fill(first)
	for range fillers - 1 {
		go p.fill(nil)
	}
	return p, nil
}

// settleLayers finds out with a real worker what the host gives.
func (p *Pool) settleLayers() (*worker, error) {
	p.launch.on = allLayers &^ p.cfg.without
	w, err := p.newWorker()
	if err == nil || p.cfg.Require != RequireSeccomp {
		if err != nil {
			err = fmt.Errorf("jail: this host does not give the whole jail (trustfs doctor says how to mend that): %w", err)
		}
		return w, err
	}
	for _, l := range []struct {
		layer layers
		name  string
	}{{layerLandlock, LayerLandlock}, {layerNamespaces, LayerNamespaces}} {
		p.launch.on &^= l.layer
		p.missing = append(p.missing, l.name)
		if w, err = p.newWorker(); err == nil {
			return w, nil
		}
	}
	return nil, fmt.Errorf("jail: this host does not even give seccomp: %w", err)
}

// Missing names the layers that this host does not give. It is empty unless the configuration allows that.
func (p *Pool) Missing() []string { return p.missing }

// newWorker starts one worker and waits until it is jailed.
func (p *Pool) newWorker() (*worker, error) {
	slot := p.cgroups.take()
	w, err := p.launch.start(slot)
	if err == nil {
		w.log = p.log
		err = w.ready()
	}
	if err != nil {
		p.cgroups.give(slot)
		return nil, err
	}
	return w, nil
}

// fill keeps idle workers ready, w first.
func (p *Pool) fill(w *worker) {
	defer p.wg.Done()
	failures := 0
	for {
		var err error
		if w == nil {
			w, err = p.newWorker()
		}
		if err != nil {
			// One worker killed on its way in is no reason to refuse a file: it has seen nothing of it.
			if failures++; failures >= 3 {
				p.offer(err)
			}
			if p.quit.Err() != nil {
				return
			}
			continue
		}
		failures = 0
		select {
		case p.idle <- w:
			w = nil
		case <-p.quit.Done():
			p.retire(w)
			return
		}
	}
}

// offer tells one waiting job that no worker can be started, or waits a little before the next attempt.
func (p *Pool) offer(err error) {
	pause := time.NewTimer(200 * time.Millisecond)
	defer pause.Stop()
	select {
	case p.broken <- err:
	case <-pause.C:
	case <-p.quit.Done():
	}
}

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
	if job.Reuse && err == nil && p.keep(w) {
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

// maxReuse is how many files one worker of a batch judges.
const maxReuse = 64

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

// keep puts a worker aside for the next file of a batch, if it may have another.
func (p *Pool) keep(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.jobs >= maxReuse || p.quit.Err() != nil || len(p.reuse) >= p.cfg.MaxWorkers {
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

// Close ends all workers, waits for jobs that are under way, and frees everything. Jobs begun later fail.
func (p *Pool) Close() error {
	p.mu.Lock()
	closed := p.quit.Err() != nil
	p.close()
	reuse := p.reuse
	p.reuse = nil
	p.mu.Unlock()
	if closed {
		return nil
	}
	for _, w := range reuse {
		p.retire(w)
	}
	p.wg.Wait()
	for {
		select {
		case w := <-p.idle:
			p.retire(w)
			continue
		default:
		}
		break
	}
	p.launch.close()
	p.cgroups.close()
	p.log.close()
	return nil
}
