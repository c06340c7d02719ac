// Package advice asks the operator's policy on the gate's behalf: it makes the policy's input of what the gate knows about a
// file and of what the kernel tells about its opener, and takes a changed policy into force at the next open.
package advice

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/policy"
)

// An Adviser is a gatekeeper.Adviser over policy files.
type Adviser struct {
	holder  *policy.Holder
	files   []string
	context policy.Context
	log     *slog.Logger

	mu    sync.Mutex // guards what follows
	seen  []integrity.Identity
	epoch uint64
}

// New loads the policy. A policy that does not compile stops the start.
func New(files []string, query string, c policy.Context, log *slog.Logger) (*Adviser, error) {
	a := &Adviser{files: files, context: c, log: log}
	a.seen = a.identities()
	h, err := policy.Hold(files, query)
	if err != nil {
		return nil, err
	}
	a.holder = h
	a.epoch = epochOf(h.Policy())
	return a, nil
}

func epochOf(p *policy.Policy) uint64 {
	h := fnv.New64a()
	h.Write([]byte(p.Epoch()))
	return h.Sum64()
}

// Err is why the files' present content is not in force; nil when it is.
func (a *Adviser) Err() error { return a.holder.Err() }

// RefersToOpener says whether the answer may depend on who opens.
func (a *Adviser) RefersToOpener() bool { return a.holder.Policy().RefersToOpener() }

// Epoch names the policy in force. It looks whether a file of the policy has changed (one statx each: also where nothing
// is watched), and takes a changed one into force, or keeps the old one and says so.
func (a *Adviser) Epoch() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.identities()
	if equal(now, a.seen) {
		return a.epoch
	}
	a.seen = now
	changed, err := a.holder.Reload()
	switch {
	case err != nil:
		a.log.Error("policy.reloaded", "ok", false, "error", err.Error(), "in_force", "the policy before the change")
	case changed:
		a.log.Info("policy.reloaded", "ok", true)
	}
	a.epoch = epochOf(a.holder.Policy())
	return a.epoch
}

func equal(a, b []integrity.Identity) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// identities stamps the policy's files; folders change when an entry comes or goes, and their files are stamped too.
func (a *Adviser) identities() []integrity.Identity {
	var out []integrity.Identity
	for _, f := range expand(a.files) {
		var st unix.Statx_t
		_ = unix.Statx(unix.AT_FDCWD, f, 0, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st) // a missing one is the zero identity
		out = append(out, integrity.IdentityFromStatx(&st))
	}
	return out
}

// errUnasked says that the policy has not been asked about a file yet.
var errUnasked = errors.New("not asked yet")

// Recall is Advise where the answer is remembered, and where FUSE alone tells all of the opener that the policy refers to.
func (a *Adviser) Recall(q *gatekeeper.Question, who *gatekeeper.Opener) (gatekeeper.Advice, bool) {
	p := a.holder.Policy()
	if slices.ContainsFunc(p.OpenerFields(), func(f string) bool { return f != "uid" && f != "gid" }) {
		return gatekeeper.Advice{}, false
	}
	ready, err := q.Memo(epochOf(p), func() (any, error) { return nil, errUnasked })
	per, made := ready.(*policy.PerFile)
	if err != nil || !made {
		return gatekeeper.Advice{}, false
	}
	d, ok := per.Recall(opener(who, nil))
	return gatekeeper.Advice{Deny: d.Deny, Warn: d.Warn}, ok
}

// Advise asks the policy about one file and, where it cares, one opener.
func (a *Adviser) Advise(ctx context.Context, q *gatekeeper.Question, who *gatekeeper.Opener) (gatekeeper.Advice, error) {
	p := a.holder.Policy()
	ready, err := q.Memo(epochOf(p), func() (any, error) { return p.ForFile(a.input(q)) })
	if err != nil {
		return gatekeeper.Advice{}, err
	}
	per, ok := ready.(*policy.PerFile)
	if !ok {
		return gatekeeper.Advice{}, fmt.Errorf("policy: unexpected %T", ready)
	}
	d, err := per.Eval(ctx, opener(who, p.OpenerFields()))
	return gatekeeper.Advice{Deny: d.Deny, Warn: d.Warn}, err
}
