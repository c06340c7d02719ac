package jail

import (
	"context"
	"fmt"
	"sync"
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
	n := min(fillers, cfg.PoolSize)
	p.wg.Add(n)
	go p.fill(first)
	for range n - 1 {
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
	for _, less := range []struct {
		layers  layers
		missing []string
	}{
		{layerLandlock, []string{LayerLandlock}},
		{layerNamespaces, []string{LayerNamespaces}},
		{layerLandlock | layerNamespaces, []string{LayerLandlock, LayerNamespaces}},
	} {
		p.launch.on, p.missing = allLayers&^p.cfg.without&^less.layers, less.missing
		if w, err = p.newWorker(); err == nil {
			return w, nil
		}
	}
	return nil, fmt.Errorf("jail: this host does not even give seccomp: %w", err)
}

// Missing names the layers that this host does not give. It is empty unless the configuration allows that.
func (p *Pool) Missing() []string { return p.missing }

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
