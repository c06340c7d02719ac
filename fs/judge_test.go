package fs

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/provenance"
)

// onePlaceRig is a rig with the real gate, views, and one judgement at a time.
func onePlaceRig(t *testing.T) (*rig, *clerk) { return placesRig(t, 1) }

func placesRig(t *testing.T, places int) (*rig, *clerk) {
	t.Helper()
	c := &clerk{hold: make(chan struct{})}
	r := newRig(t, func(o *Options) {
		examiner, err := provenance.New(provenance.Options{Root: o.Dir})
		if err != nil {
			t.Fatal(err)
		}
		gate, err := gatekeeper.New(gatekeeper.Config{Profile: gatekeeper.ProfileContent, MaxScore: 20, Analyst: c, Viewer: c,
			Examiner: examiner, Log: slog.New(o.Log.Handler())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		o.Gate, o.Views, o.Judgements, o.JudgementsPerUser = gate, ViewsBeside, places, places
	})
	return r, c
}

// inQueue counts who has a place and who waits for one.
func (r *rig) inQueue() (running, waiting int) {
	q := r.srv.tree.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.users {
		waiting += len(l.waiting)
	}
	return q.running, waiting
}

// An opener who goes away leaves his judgement behind, and that keeps its place: otherwise whoever opens and dies in a loop
// would have everything judged at once.
func TestPlaceIsTheJudgements(t *testing.T) {
	for what, name := range map[string]string{"files": ".pt", "views": ".safetensors", "reports of views": ".safetensors.json"} {
		t.Run(what, func(t *testing.T) {
			r, c := onePlaceRig(t)
			for _, base := range []string{"a", "b", "c"} {
				r.put(base+".pt", string(torchFile(float32(base[0]))))
			}
			at := func(base string) string {
				if what == "reports of views" {
					return r.in(".trustfs/report/" + base + name)
				}
				return r.in(base + name)
			}
			first := startChild(t, "open", at("a"))
			tid := first.tid(t)
			eventually(t, "the first judgement begins", func() bool { return c.analyses() == 1 })
			if err := unix.Tgkill(first.cmd.Process.Pid, tid, unix.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			if got := first.line(); got != "result: interrupted system call" {
				t.Fatalf("the first opener got %q", got)
			}
			others := []*child{startChild(t, "open", at("b")), startChild(t, "open", at("c"))}
			eventually(t, "the others are in the queue", func() bool {
				_, waiting := r.inQueue()
				return waiting == 2 || c.analyses() > 1
			})
			if n := c.analyses(); n != 1 {
				t.Errorf("%d judgements at once, with one place", n)
			}
			close(c.hold)
			for _, o := range others {
				o.tid(t)
				if got := o.line(); got != "result: <nil>" {
					t.Errorf("another opener got %q", got)
				}
			}
			eventually(t, "every place is free", func() bool { running, waiting := r.inQueue(); return running+waiting == 0 })
		})
	}
}

// One large file that is opened again and again takes one place: others have theirs.
func TestSameFileTakesOnePlace(t *testing.T) {
	r, c := placesRig(t, 2)
	r.put("a.pt", string(torchFile(0)))
	r.put("b.pt", string(torchFile(1)))
	openers := []*child{startChild(t, "open", r.in("a.pt"))}
	eventually(t, "the judgement begins", func() bool { return c.analyses() == 1 })
	for range 3 {
		openers = append(openers, startChild(t, "open", r.in("a.pt")))
	}
	eventually(t, "the others wait for it", func() bool {
		u := &r.srv.tree.underWay
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, run := range u.runs {
			return run.waiting == 3
		}
		return false
	})
	if running, waiting := r.inQueue(); running != 1 || waiting != 0 {
		t.Errorf("%d have a place and %d wait for one, want one judgement alone", running, waiting)
	}
	tid := openers[1].tid(t)
	if err := unix.Tgkill(openers[1].cmd.Process.Pid, tid, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := openers[1].line(); got != "result: interrupted system call" {
		t.Errorf("a waiter got %q", got)
	}
	openers = append(openers[:1], openers[2:]...)
	openers = append(openers, startChild(t, "open", r.in("b.pt")))
	eventually(t, "the other file's judgement begins", func() bool { return c.analyses() == 2 })
	close(c.hold)
	for _, o := range openers {
		o.tid(t)
		if got := o.line(); got != "result: <nil>" {
			t.Errorf("an opener got %q", got)
		}
	}
	if n := c.analyses(); n != 2 {
		t.Errorf("%d judgements of two files", n)
	}
}

// A gate that fails badly refuses, and takes neither the daemon nor a place with it.
func TestPanickingJudgement(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Judgements, o.JudgementsPerUser = 1, 1 })
	r.put("m", "x")
	r.gate.hold(panics)
	for range 3 {
		_, err := os.ReadFile(r.in("m"))
		wantErrno(t, "open", err, unix.EACCES)
	}
	r.gate.hold(nil)
	if got := r.read("m"); got != "x" {
		t.Errorf("read %q", got)
	}
}

func panics(context.Context, gatekeeper.Subject) error { panic("on purpose") }
