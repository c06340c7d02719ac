package jail

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"trustfs/jail/wire"
)

// A Small job is one task over one small file whose bytes the caller has in memory. Small jobs that wait together go to a
// worker together, which judges many files: only for advice (audit), as Job.Reuse is.
type Small struct {
	Task    string
	Content []byte // at most MaxSmall; not to be changed
	Request any    // as in Job
}

// MaxSmall is how many bytes a file of a Small job may have.
const MaxSmall = 256 << 10

// Together is how many small jobs are best under way at a time: while some are with a worker, others are made ready.
const Together = 2 * wire.MaxParts

// batchBytes is how many bytes of files one batch holds.
const batchBytes = 1 << 20

// batches are the small jobs that wait, and the runners that take them to workers.
type batches struct {
	mu      sync.Mutex
	waiting []*small // guarded by mu
	runners int      // guarded by mu
}

// A small is a Small job under way.
type small struct {
	task    string
	body    json.RawMessage
	content []byte
	done    chan struct{} // closed when the rest is written
	out     []byte
	err     error
	alone   bool // the batch came to nothing: it must be done by itself
}

// RunSmall is Run for a Small job. Whatever goes wrong with a batch, be it a file's fault, its neighbour's or the worker's,
// costs the batch: each of its files is then judged by itself, by a fresh worker, and what comes of that is the answer.
func (p *Pool) RunSmall(ctx context.Context, job Small) ([]byte, error) {
	if len(job.Content) > MaxSmall {
		return nil, fmt.Errorf("jail: job %s has a file of %d bytes, at most %d", job.Task, len(job.Content), MaxSmall)
	}
	body, err := json.Marshal(job.Request)
	if err != nil {
		return nil, fmt.Errorf("jail: job %s: request: %w", job.Task, err)
	}
	s := &small{task: job.Task, body: body, content: job.Content, done: make(chan struct{})}
	p.batches.add(p, s)
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.alone {
		return p.runAlone(ctx, s)
	}
	return s.out, s.err
}

// add puts a job into the queue, and starts a runner where none is, or where those that are have more to do than they can
// take at once: as many as there are cores, since batches do not wait for a disk.
func (b *batches) add(p *Pool, s *small) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, s)
	if b.runners == 0 || b.runners < min(p.cfg.MaxWorkers, runtime.GOMAXPROCS(0)) && len(b.waiting) > wire.MaxParts/2*b.runners {
		b.runners++
		go p.runBatches()
	}
}

// next takes what one batch holds; nil when nothing waits, and then the runner is done.
func (b *batches) next() []*small {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, bytes := 0, 0
	for n < min(len(b.waiting), wire.MaxParts) && b.waiting[n].task == b.waiting[0].task {
		if bytes += len(b.waiting[n].content); n > 0 && bytes > batchBytes {
			break
		}
		n++
	}
	if n == 0 {
		b.runners--
		return nil
	}
	batch := append([]*small(nil), b.waiting[:n]...)
	b.waiting = append(b.waiting[:0], b.waiting[n:]...)
	return batch
}

// runBatches does batches until none waits.
func (p *Pool) runBatches() {
	var room []byte // what a batch is made in, for one after the other
	for {
		batch := p.batches.next()
		if batch == nil {
			return
		}
		room = p.runBatch(batch, room)
		for _, s := range batch {
			close(s.done)
		}
	}
}

// runBatch has one worker do a batch. It gives back the room that the batch was made in.
func (p *Pool) runBatch(batch []*small, room []byte) []byte {
	e, err := encodeBatch(batch, p.cfg.Limits, true, room)
	if err == nil {
		err = p.enter(p.quit)
	}
	if err == nil {
		err = p.batchBy(e, batch)
		p.leave()
	}
	if err != nil {
		for _, s := range batch {
			s.out, s.err = nil, err
		}
		return nil
	}
	return e.head
}

// batchBy finds a worker for a batch. Precondition: the right to use one. A worker that fails is no error: its files are
// marked to be done by themselves.
func (p *Pool) batchBy(e *encodedJob, batch []*small) error {
	w, err := p.take(p.quit, Job{Task: e.task, Reuse: true})
	if err != nil {
		return err
	}
	if err = w.doBatch(p.quit, e, batch); err == nil && p.keep(w, len(batch)) {
		return nil
	}
	p.retire(w)
	if err != nil {
		for _, s := range batch {
			s.out, s.err, s.alone = nil, nil, true
		}
	}
	return nil
}

// runAlone does a job whose batch came to nothing, with a worker of its own that does nothing else.
func (p *Pool) runAlone(ctx context.Context, s *small) ([]byte, error) {
	e, err := encodeBatch([]*small{s}, p.cfg.Limits, false, nil)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	w, err := p.take(ctx, Job{Task: s.task})
	if err != nil {
		return nil, err
	}
	defer p.retire(w)
	if err := w.doBatch(ctx, e, []*small{s}); err != nil {
		return nil, w.autopsy(ctx, e, err)
	}
	return s.out, s.err
}

// encodeBatch makes a batch ready to be sent, in room as far as that goes: the frame, and the files behind it.
func encodeBatch(batch []*small, l Limits, reuse bool, room []byte) (*encodedJob, error) {
	b := wire.Batch{Task: batch[0].task, Parts: make([]wire.Part, len(batch))}
	e := &encodedJob{task: b.Task, reuse: reuse}
	for i, s := range batch {
		b.Parts[i] = wire.Part{Body: s.body, Size: len(s.content)}
		e.size += int64(len(s.content))
	}
	e.limits = l.forJob(e.size, e.size) // the bytes are in the worker's memory, as manifests are
	body, err := json.Marshal(&b)
	if err != nil {
		return nil, fmt.Errorf("jail: batch: %w", err)
	}
	head, err := wire.EncodeJSON(&wire.Request{Task: wire.BatchTask, Body: body, Data: e.limits.data, Reuse: reuse}, wire.MaxRequest)
	e.head = append(slices.Grow(room[:0], len(head)+int(e.size)), head...) // one piece: a system call for each would cost more than the copy
	for _, s := range batch {
		e.head = append(e.head, s.content...)
	}
	return e, err
}

// doBatch sends a batch and reads its answers, which together keep the bound of one. Any error leaves the worker fit for end
// alone, and the batch without answers.
func (w *worker) doBatch(ctx context.Context, e *encodedJob, batch []*small) error {
	stop := context.AfterFunc(ctx, func() { _ = w.proc.Kill() })
	defer stop()
	if err := w.prepare(e); err != nil {
		return err
	}
	if err := w.send(e); err != nil {
		return err
	}
	w.jobs++
	r, left := bufio.NewReaderSize(w.answer, 64<<10), e.limits.answer
	for _, s := range batch {
		kind, b, err := wire.ReadAnswer(r, left)
		if err != nil {
			return err
		}
		left -= int64(len(b))
		if s.out, s.err = verdict(s.task, w.proc.Pid, kind, b); s.err != nil {
			if _, task := errors.AsType[*TaskError](s.err); !task {
				return s.err
			}
		}
	}
	if r.Buffered() > 0 || e.reuse && !w.clean() {
		return errors.New("something follows the last answer of a batch")
	}
	return nil
}
