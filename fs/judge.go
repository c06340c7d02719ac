package fs

import (
	"context"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"

	"trustfs/gatekeeper"
)

// An asker is who made a request, and how the kernel says that it has got a signal.
type asker struct {
	cancel <-chan struct{}
	caller fuse.Caller
}

// judge asks the gate about f, which is what lies at path. A known answer comes at once; others wait for a place in the
// queue. A signal that ends the opener's wait ends this call, not the judgement.
func (t *tree) judge(who asker, f *os.File, path string) (*gatekeeper.Judgement, error) {
	s := t.subject(who, f, path)
	if r, ok := t.gate.(Rememberer); ok {
		if j, ok := r.Remembered(s); ok {
			return j, nil
		}
	}
	var j *gatekeeper.Judgement
	err := t.queued(who, func(ctx context.Context) (err error) {
		j, err = t.gate.Judge(ctx, s)
		return err
	})
	return j, err
}

func (t *tree) subject(who asker, f *os.File, path string) gatekeeper.Subject {
	return gatekeeper.Subject{
		File: f, Path: path, Tree: t.root,
		Opener: &gatekeeper.Opener{UID: who.caller.Uid, GID: who.caller.Gid, PID: who.caller.Pid},
	}
}

// queued does what takes long when the asker's turn comes. A signal that ends the asker's wait ends ctx.
func (t *tree) queued(who asker, work func(ctx context.Context) error) error {
	ctx, stop := t.untilSignalled(who)
	defer stop()
	if err := t.queue.enter(ctx, who.caller.Uid); err != nil {
		return interruption(ctx, err)
	}
	defer t.queue.leave(who.caller.Uid)
	if err := work(ctx); err != nil {
		return interruption(ctx, err)
	}
	return nil
}

// interruption prefers the reason why ctx ended over what came of it.
func interruption(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}
