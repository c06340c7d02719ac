package jail

import (
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
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
	if err := unix.Kill(first.proc.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	_ = unix.Waitid(unix.P_PID, first.proc.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil) // until it has ended
	p.idle <- first                                                                    // it is lost while it waits
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

// Nothing that a host lacks goes unsaid because nobody waited for the first worker.
func TestOnDemandSaysWhatIsMissing(t *testing.T) {
	p, err := NewPool(Config{WorkerPath: "/bin/true", OnDemand: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Settled(); err == nil {
		t.Error("a worker that is none passes for jailed")
	}
	if _, err := p.Run(t.Context(), testJob(t, "echo", 1)); reasonOf(err) != ReasonStart {
		t.Errorf("a job without workers: %v, expected reason %s", err, ReasonStart)
	}
}
