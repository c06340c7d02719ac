package fs

import (
	"context"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
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
	return queued(t, who, f, path, func(ctx context.Context, f *os.File) (*gatekeeper.Judgement, error) {
		s.File = f
		return t.gate.Judge(context.WithoutCancel(ctx), s)
	})
}

func (t *tree) subject(who asker, f *os.File, path string) gatekeeper.Subject {
	return gatekeeper.Subject{
		File: f, Path: path, Tree: t.root,
		Opener: &gatekeeper.Opener{UID: who.caller.Uid, GID: who.caller.Gid, PID: who.caller.Pid},
	}
}

// queued does what takes long when the asker's turn comes, on a descriptor of f's file that the work may keep as long as it
// lasts. A signal that ends the asker's wait ends ctx, and this call; the place is the work's, and is free when that has
// really returned: who opens files and dies would otherwise have as many judged at once as he likes.
// name says what the work is about, besides the version.
func queued[T any](t *tree, who asker, f *os.File, name string, work func(ctx context.Context, f *os.File) (T, error)) (T, error) {
	var none T
	ctx, stop := t.untilSignalled(who)
	defer stop()
	user := who.caller.Uid
	id, err := integrity.IdentityOf(int(f.Fd()))
	if err != nil {
		return none, err
	}
	key := workKey{id, name}
	if err := t.underWay.await(ctx, key); err != nil {
		return none, interruption(ctx, err)
	}
	if err := t.queue.enter(ctx, user); err != nil {
		return none, interruption(ctx, err)
	}
	own, err := duplicate(f)
	if err != nil {
		t.queue.leave(user)
		return none, err
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() { answers <- a }()
		defer t.underWay.begin(key)()
		defer t.queue.leave(user)
		defer own.Close()
		defer func() {
			if v := recover(); v != nil {
				a = answer{err: syscall.Errno(t.onPanic(v))}
			}
		}()
		a.value, a.err = work(ctx, own)
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return a.value, interruption(ctx, a.err)
		}
		return a.value, nil
	case <-ctx.Done():
		return none, errInterrupted
	}
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, &os.PathError{Op: "duplicating the descriptor", Path: f.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// interruption prefers the reason why ctx ended over what came of it.
func interruption(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}
