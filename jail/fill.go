package jail

import (
	"time"
)

// fillers start workers beside one another: while one is on its way into the jail, the next is born.
const fillers = 2

// attempts is how many workers in a row may end on their way in: one that is killed there is no reason to refuse a file, as
// it has seen nothing of it.
const attempts = 3

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
			if failures++; failures >= attempts {
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
