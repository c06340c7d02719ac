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

	active  chan struct{} // one token a judging worker
	idle    chan *worker  // jailed, fresh
	broken  chan error    // offered while workers cannot be started
	batches batches

	settled   chan struct{} // closed when it is known what the host gives
	unsettled error         // why it cannot be worked with; written before settled is closed

	mu    sync.Mutex
	reuse []*worker // jailed, have answered well before; guarded by mu

	quit  context.Context
	close context.CancelFunc
	wg    sync.WaitGroup // fillers and running jobs
}

// NewPool starts the first workers. It fails when the host cannot give the jail that cfg.Require asks for, and says which
// layer is missing; Probe says how to mend it. With cfg.OnDemand it does not wait to see: Settled does.
func NewPool(cfg Config) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pool{cfg: cfg, active: make(chan struct{}, cfg.MaxWorkers), broken: make(chan error), settled: make(chan struct{}),
		idle: make(chan *worker, room(cfg))}
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
	p.wg.Add(1)
	go p.begins()
	if cfg.OnDemand {
		return p, nil
	}
	if err := p.Settled(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Settled waits until it is known whether the host gives the jail that the configuration asks for; its error is NewPool's.
func (p *Pool) Settled() error {
	<-p.settled
	return p.unsettled
}

// begins makes the first worker and has the others follow.
func (p *Pool) begins() {
	defer p.wg.Done()
	first, err := p.settleLayers()
	if err == nil {
		p.log = openKernelLog() // workers that begin later have it; the first one gets it here
		first.log = p.log
	}
	if err == nil && p.cfg.OnDemand {
		p.idle <- first // before any job may find that there is none
	}
	p.unsettled = err
	close(p.settled)
	if err == nil && !p.cfg.OnDemand {
		n := min(fillers, p.cfg.PoolSize)
		p.wg.Add(n)
		go p.fill(first)
		for range n - 1 {
			go p.fill(nil)
		}
	}
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
func (p *Pool) Missing() []string {
	<-p.settled
	return p.missing
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

// room is how many workers lie ready: fillers hold more, and without fillers the first one needs a place.
func room(cfg Config) int {
	if cfg.OnDemand {
		return 1
	}
	return max(0, cfg.PoolSize-fillers)
}
