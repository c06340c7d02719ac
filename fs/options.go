package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Options say what to mount and where. Dir and Gate are required; zero values of the others are good defaults.
type Options struct {
	// Dir is the directory that is served.
	Dir string
	// Mountpoint is where. Empty, or the same as Dir: over Dir itself.
	Mountpoint string
	// Gate decides.
	Gate Gate
	// Log gets what the operator should read: refusals for other reasons than a verdict, and warnings. Its handler must
	// not wait: whoever reads the log may itself be waiting for the mount. nil: slog.Default.
	Log *slog.Logger
	// OwnerOnly keeps other users out. Root's mounts are for all users unless this is set; a user's own are his alone
	// unless AllowOther is set (and /etc/fuse.conf says user_allow_other).
	OwnerOnly, AllowOther bool
	// RunDir is where each mount of root's gets a directory of its tree's id, with mode 0700: RunDir/<tree-id>/backing is
	// the real directory, and a lock there keeps a second mount of the same tree out. Empty: neither. Usually DefaultRunDir.
	RunDir string
	// Status gives .trustfs/status.json, which only the daemon's own user can read. nil: "{}".
	Status func() []byte
	// Judgements bounds how many openers may wait for a judgement at once; the others queue, fairly between users.
	// JudgementsPerUser bounds one user's share. Zero: twice the processors, and half of that.
	Judgements, JudgementsPerUser int
	// Guard leaves an empty unreadable directory in the mount's place when the server closes, so that readers never fall
	// through to the raw directory. See the function Guard.
	Guard bool
	// Views says whether pickles are shown as safetensors; then Gate must be a Viewer. Claims, if not nil, gets the names of
	// views that several sources claim.
	Views  ViewMode
	Claims *Claims
	// Grace is how long Close waits for readers that still have files open. Zero: two seconds.
	Grace time.Duration

	// oldMount forces mount(2) where the kernel has the newer calls; for tests.
	oldMount bool
}

// DefaultRunDir is the RunDir of a service.
const DefaultRunDir = "/run/trustfs"

// normalize fills in defaults and refuses what cannot be meant.
func (o Options) normalize() (Options, error) {
	if o.Gate == nil {
		return o, errors.New("fs: no gate: nothing would decide")
	}
	if o.Dir == "" {
		return o, errors.New("fs: no directory to serve")
	}
	if o.OwnerOnly && o.AllowOther {
		return o, errors.New("fs: OwnerOnly and AllowOther contradict each other")
	}
	if o.Mountpoint == "" {
		o.Mountpoint = o.Dir
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, err
	}
	if o.Mountpoint, err = filepath.Abs(o.Mountpoint); err != nil {
		return o, err
	}
	if strings.ContainsRune(o.Mountpoint+o.Dir, '\n') {
		return o, fmt.Errorf("%q: a line feed in the name of a mount cannot be told apart in mount tables", o.Mountpoint)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Status == nil {
		o.Status = func() []byte { return []byte("{}\n") }
	}
	if o.Judgements <= 0 {
		o.Judgements = 2 * max(2, runtime.NumCPU())
	}
	if o.JudgementsPerUser <= 0 {
		o.JudgementsPerUser = (o.Judgements + 1) / 2
	}
	if o.Grace <= 0 {
		o.Grace = 2 * time.Second
	}
	return o, nil
}
