// Package trust keeps what the configuration trusts in force while its files change: keys, Sigstore's trusted root,
// publishers, lists. A change counts at the next open, without reading a model again.
package trust

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
	"trustfs/provenance"
)

// An Examiner is a gatekeeper.Examiner whose provenance.Verifier is made anew when the configuration or a file that it
// names has changed. Where that fails, it refuses until it is mended, rather than trust what the operator may just have
// struck out: an edit that goes wrong must not keep a removed key in force.
type Examiner struct {
	config []string
	load   func() (provenance.Options, error)
	log    *slog.Logger

	mu       sync.Mutex // guards what follows; held while the files are read again, never during an examination
	seen     []stamp
	verifier *provenance.Verifier // nil when the present files cannot be trusted
	epoch    string
	err      error // why
}

// New loads the trust for the first time: here an error stops the start. config names the files that load reads, absent
// ones too; what the options name is watched as well.
func New(config []string, load func() (provenance.Options, error), log *slog.Logger) (*Examiner, error) {
	x := &Examiner{config: config, load: load, log: log}
	if err := x.reload(); err != nil {
		return nil, err
	}
	return x, nil
}

// Epoch names the trust in force. It looks whether a file has changed (one statx each, also where nothing is watched).
func (x *Examiner) Epoch() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refresh()
	return x.epoch
}

// Err is why nothing can be examined; nil when all is well.
func (x *Examiner) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refresh()
	return x.err
}

// Evidence is provenance.Verifier.Evidence under the trust in force.
func (x *Examiner) Evidence(ctx context.Context, tree provenance.Tree, s provenance.Subject) (*provenance.Evidence, error) {
	x.mu.Lock()
	x.refresh()
	v, err := x.verifier, x.err
	x.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("what the configuration trusts cannot be read, so nothing is trusted until it is mended: %w", err)
	}
	return v.Evidence(ctx, tree, s)
}

// refresh reloads what has changed. x.mu is held.
func (x *Examiner) refresh() {
	if !slices.ContainsFunc(x.seen, stamp.outdated) {
		return
	}
	before, broken := x.epoch, x.err != nil
	err := x.reload()
	switch {
	case x.epoch == before:
	case err != nil:
		x.log.Error("trust.reloaded", "ok", false, "error", err.Error(), "in_force", "nothing: everything is refused until it is mended")
	default:
		x.log.Info("trust.reloaded", "ok", true, "mended", broken)
	}
}

// reload reads everything again. Each file is stamped before it is read: what changes meanwhile is seen the next time.
func (x *Examiner) reload() error {
	seen := stamps(x.config)
	o, err := x.load()
	var v *provenance.Verifier
	if err == nil {
		seen = append(seen, stamps(named(o))...)
		v, err = provenance.New(o)
	} else {
		seen = append(seen, x.missed(seen)...)
	}
	x.seen, x.err = seen, err
	switch {
	case err != nil:
		sum := sha256.Sum256([]byte(err.Error()))
		x.verifier, x.epoch = nil, "broken "+hex.EncodeToString(sum[:8])
	case x.verifier == nil || v.Epoch() != x.verifier.Epoch(): // else the old one has its lists parsed already
		x.verifier, x.epoch = v, v.Epoch()
	}
	return err
}

// missed are the stamped files of the trust before, without those in now: where the configuration cannot be read, what it
// names is not known, and mending a key file may be what helps.
func (x *Examiner) missed(now []stamp) []stamp {
	var files []string
	for _, s := range x.seen {
		if !slices.ContainsFunc(now, func(n stamp) bool { return n.file == s.file }) {
			files = append(files, s.file)
		}
	}
	return stamps(files)
}

// named are the files that the options trust and that only New reads. Lists and SBOMs are inputs of each piece of evidence.
func named(o provenance.Options) (files []string) {
	for _, k := range o.TrustKeys {
		files = append(files, k.File)
	}
	if o.TrustedRoot != "" {
		files = append(files, o.TrustedRoot)
	}
	return files
}

// A stamp is the identity that a file had before it was read; the zero identity for one that was not there.
type stamp struct {
	file string
	id   integrity.Identity
	racy bool
}

// racyWindow is how long after a change a second one may leave the timestamps as they are (kernels before 6.13 stamp once
// a tick; FAT every two seconds). A file that young is read again each time.
const racyWindow = 2 * time.Second

func stamps(files []string) (out []stamp) {
	for _, f := range files {
		id := identity(f)
		out = append(out, stamp{f, id, max(id.Mtime, id.Ctime) > time.Now().Add(-racyWindow).UnixNano()})
	}
	return out
}

func identity(file string) integrity.Identity {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, file, 0, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st) != nil {
		return integrity.Identity{}
	}
	return integrity.IdentityFromStatx(&st)
}

func (s stamp) outdated() bool { return s.racy || identity(s.file) != s.id }
