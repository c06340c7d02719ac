package jail

import (
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestOnDemandStartsNoWorkerThatNobodyWaitsFor(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	for range 10 {
		job := testJob(t, "echo", 1)
		job.Reuse = true
		if _, err := p.Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(children(t)); n != 1 {
		t.Errorf("%d workers for jobs that came one after another, expected the first alone", n)
	}
}

func TestOnDemandGivesEachJobItsWorker(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.OnDemand = true })
	first := <-p.idle
	if err := first.proc.Kill(); err != nil {
		t.Fatal(err)
	}
	p.idle <- first
	var jobs errgroup.Group
	for range 12 {
		job := testJob(t, "echo", 1)
		jobs.Go(func() error {
			_, err := p.Run(t.Context(), job)
			return err
		})
	}
	if err := jobs.Wait(); err != nil {
		t.Fatal(err)
	}
}
