package jail

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runTogether queues small jobs as one batch and gives what comes of each.
func runTogether(t *testing.T, p *Pool, jobs []Small) (out []string, errs []error) {
	t.Helper()
	p.batches.mu.Lock()
	p.batches.runners = p.cfg.MaxWorkers // none is started while the jobs gather
	p.batches.mu.Unlock()
	out, errs = make([]string, len(jobs)), make([]error, len(jobs))
	var all sync.WaitGroup
	for i, job := range jobs {
		all.Go(func() {
			b, err := p.RunSmall(t.Context(), job)
			out[i], errs[i] = string(b), err
		})
		eventually(t, "the job in the queue", func() bool {
			p.batches.mu.Lock()
			defer p.batches.mu.Unlock()
			return len(p.batches.waiting) == i+1
		})
	}
	p.batches.runners = 1
	p.runBatches()
	all.Wait()
	return out, errs
}

func TestBatchAnswersEachFile(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	var jobs []Small
	for i := range 100 {
		jobs = append(jobs, Small{Task: "read", Content: []byte{byte(i), 1}})
	}
	jobs = append(jobs, Small{Task: "echo", Request: 101})
	out, errs := runTogether(t, p, jobs)
	for i := range jobs {
		if errs[i] != nil || out[i] != fmt.Sprint(i+1) {
			t.Errorf("file %d: %s, %v", i, out[i], errs[i])
		}
	}
	if n := len(children(t)); n != 1 {
		t.Errorf("%d workers, expected one that did all", n)
	}
}

// One file that ends, holds or confuses its worker costs nobody else the answer, and gets the one that it would get alone.
func TestBatchCulpritAlonePays(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand, c.Limits.Wall = true, time.Second })
	culprits := map[string]struct {
		job  Small
		want Reason
	}{
		"violation":      {Small{Task: "attack", Request: map[string]string{"Attack": "fork"}}, ReasonViolation},
		"crash":          {Small{Task: "lie", Request: "a crash"}, ReasonCrashed},
		"timeout":        {Small{Task: "sleep"}, ReasonTimeout},
		"false frame":    {Small{Task: "lie", Request: "a huge length"}, ReasonProtocol},
		"unknown kind":   {Small{Task: "lie", Request: "an unknown kind"}, ReasonProtocol},
		"ends, no word":  {Small{Task: "lie", Request: "silence and success"}, ReasonCrashed},
		"not JSON":       {Small{Task: "lie", Request: "not JSON"}, ReasonProtocol},
		"stray failures": {Small{Task: "lie", Request: "a failure of rubbish"}, ReasonProtocol},
	}
	for name, c := range culprits {
		jobs := mixed(c.job)
		out, errs := runTogether(t, p, jobs)
		for i, job := range jobs {
			switch {
			case job.Task == "mixed" && i == 3:
				if r := reasonOf(errs[i]); r != c.want {
					t.Errorf("%s: the culprit got %q, %v; expected %s", name, out[i], errs[i], c.want)
				}
			case errs[i] != nil || out[i] != fmt.Sprint(i):
				t.Errorf("%s: file %d got %q, %v", name, i, out[i], errs[i])
			}
		}
	}
}

// mixed is a batch of echoes with one other job in it: a batch has one task, and the hostile worker's "mixed" does what it
// is told.
func mixed(culprit Small) []Small {
	var jobs []Small
	for i := range 6 {
		jobs = append(jobs, Small{Task: "mixed", Request: map[string]any{"Task": "echo", "Body": i}})
	}
	jobs[3].Request = map[string]any{"Task": culprit.Task, "Body": culprit.Request}
	return jobs
}

// A task that fails answers for its own file; nothing is done again for it.
func TestBatchTaskErrors(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	for _, task := range []string{"fail", "panic"} {
		out, errs := runTogether(t, p, mixed(Small{Task: task}))
		for i := range out {
			if _, told := errs[i].(*TaskError); told != (i == 3) || !told && out[i] != fmt.Sprint(i) {
				t.Errorf("%s: file %d got %q, %v", task, i, out[i], errs[i])
			}
		}
		if n := len(children(t)); n != 1 {
			t.Errorf("%s: %d workers, expected the one", task, n)
		}
	}
}

// An answer too many shifts those behind it: the batch counts for nothing, and each file is asked about again.
func TestBatchWithAnAnswerTooMany(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	out, errs := runTogether(t, p, mixed(Small{Task: "twice"}))
	for i := range out {
		if i != 3 && (errs[i] != nil || out[i] != fmt.Sprint(i)) {
			t.Errorf("file %d got %q, %v: another file's answer", i, out[i], errs[i])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reuse) != 0 {
		t.Error("the worker that said too much is kept")
	}
}

func TestBatchBounds(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	if _, err := p.RunSmall(t.Context(), Small{Task: "read", Content: make([]byte, MaxSmall+1)}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a file over the bound: %v", err)
	}
	var jobs []Small
	for range 20 { // more than one batch may hold
		jobs = append(jobs, Small{Task: "read", Content: make([]byte, MaxSmall)})
	}
	for i, err := range second(runTogether(t, p, jobs)) {
		if err != nil {
			t.Errorf("file %d: %v", i, err)
		}
	}
}

func second(_ []string, errs []error) []error { return errs }

// An empty file leaves nothing to be sent after the request, when the worker may have answered and gone.
func TestBatchOfAnEmptyFileAlone(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	for range 20 {
		s := &small{task: "read", body: []byte("null")}
		if got, err := p.runAlone(t.Context(), s); err != nil || string(got) != "0" {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

// A worker is worn out by the files of batches too.
func TestBatchWorkersRetire(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	echo := []Small{{Task: "echo", Request: 1}}
	runTogether(t, p, echo)
	w := p.reuse[0]
	w.wear = maxWear - 1
	runTogether(t, p, echo)
	if len(p.reuse) != 0 || unix.Kill(w.proc.Pid, 0) != unix.ESRCH {
		t.Error("a worker that has judged its number goes on")
	}
}

func TestCloseEndsBatches(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	failed := make(chan error)
	go func() {
		_, err := p.RunSmall(t.Context(), Small{Task: "sleep"})
		failed <- err
	}()
	eventually(t, "a batch under way", func() bool { return len(p.active) == 1 })
	p.Close()
	if err := <-failed; err == nil {
		t.Error("a closed pool gave an answer")
	}
}
