package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/internal/beneath"
	"trustfs/internal/lean"
	"trustfs/jail"
	"trustfs/provenance"
)

// judges is what every judging command needs: the jail and the configuration, for one or several trees.
type judges struct {
	cfg     *config.Config
	pool    *jail.Pool
	presets []string
	log     *slog.Logger
	reuse   bool // one worker may judge many files: for advice only
	passing bool // the gates end with a command
	// unpinned judges as if nothing were pinned.
	unpinned bool
	// adviser stands in for the configuration's policy.
	adviser gatekeeper.Adviser
	// live, if not nil, follows the configuration's file; for one gate.
	live  *live
	trees map[string]*tree
	// beyond is set once something was met that this program cannot judge: what is judged then is void.
	beyond atomic.Pointer[error]
}

// A tree is one directory with the gate that judges in it.
type tree struct {
	root *beneath.Root
	gate *gatekeeper.Gate
}

// newJudges starts the jail for a command that judges and ends. Where the host cannot give it, tree says so, or whole in the
// lean program: the first worker gets there beside whatever else begins. Nothing is judged outside.
func newJudges(cfg *config.Config, log *slog.Logger, reuse bool) (*judges, error) {
	j := &judges{cfg: cfg, log: log, reuse: reuse, passing: true, trees: map[string]*tree{}}
	return j, j.start(true)
}

// start checks what all gates share and starts the jail.
func (j *judges) start(onDemand bool) (err error) {
	if j.presets, err = presets(j.cfg); err != nil {
		return err
	}
	if _, err = gatekeeper.Rules(j.cfg.Weights); err != nil {
		return err
	}
	settings := jailConfig(j.cfg)
	settings.OnDemand = onDemand
	j.pool, err = jail.NewPool(settings)
	return err
}

// commandCache is what the gate of a command remembers, in bytes: enough for copies and links to be analysed once.
const commandCache = 32 << 20

func jailConfig(cfg *config.Config) jail.Config {
	return jail.Config{
		WorkerPath: cfg.Jail.Worker, CgroupRoot: cfg.Jail.Cgroup, Require: jail.Require(cfg.Jail.Require), MaxWorkers: cfg.Jail.Workers,
		Limits: jail.Limits{
			Wall: time.Duration(cfg.Jail.Wall) * time.Second, CPU: time.Duration(cfg.Jail.CPU) * time.Second,
			Data: int64(cfg.Jail.Memory) << 20, DataMax: max(1<<30, int64(cfg.Jail.Memory)<<20),
		},
	}
}

// end is close where the program ends next. The kernel does it then, and in the order that matters: the workers die with the
// thread that started them. But what hands over stays the same process, and may leave it nothing; nor are control groups
// taken away by the kernel.
func (j *judges) end(err error) {
	if !lean.Build || errors.Is(err, lean.ErrBeyond) || j.cfg.Jail.Cgroup != "" {
		j.close()
	}
}

func (j *judges) close() {
	for _, t := range j.trees {
		t.gate.Close()
		t.root.Close()
	}
	j.pool.Close()
}

// tree opens the directory dir, an absolute path without links, and gives the gate for it.
func (j *judges) tree(dir string) (*tree, error) {
	if t := j.trees[dir]; t != nil {
		return t, nil
	}
	gate, err := j.gate(dir)
	if err != nil {
		return nil, err
	}
	root, err := beneath.Open(dir)
	if err != nil {
		gate.Close()
		return nil, err
	}
	t := &tree{root: root, gate: gate}
	j.trees[dir] = t
	if lean.Build {
		return t, nil
	}
	return t, j.pool.Settled()
}

// gate puts the pipeline together for a tree.
func (j *judges) gate(dir string) (*gatekeeper.Gate, error) {
	examiner, err := j.examiner(dir)
	if err != nil {
		return nil, err
	}
	asked := j.adviser
	if asked == nil {
		if asked, err = adviser(j.cfg, j.log); err != nil {
			return nil, err
		}
	}
	jailed := &gatekeeper.Jailed{Pool: j.pool, Presets: j.presets, Reuse: j.reuse, Log: j.log}
	terms := termsOf(j.cfg)
	gate, err := gatekeeper.New(gatekeeper.Config{
		Profile:   terms.Profile,
		MaxScore:  terms.MaxScore,
		Weights:   terms.Weights,
		Require:   terms.Require,
		Analyst:   &analystWitness{jailed, j},
		Viewer:    jailed,
		ViewsFrom: gatekeeper.ViewsFrom(j.cfg.ViewsFrom),
		Examiner:  examiner,
		Adviser:   asked,
		Log:       j.log,

		Passing:    j.passing,
		CacheBytes: j.cacheBytes(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if j.live != nil {
		if a, ok := asked.(interface{ Err() error }); ok {
			j.live.errs = append(j.live.errs, a.Err)
		}
		err = j.live.begin(gate)
	}
	return gate, err
}

// cacheBytes is 0, for what the gatekeeper thinks right, where the gate lives on.
func (j *judges) cacheBytes() int64 {
	if j.passing {
		return commandCache
	}
	return 0
}

// examiner gathers provenance for a tree: under the configuration as it is, or under the one that its file becomes.
func (j *judges) examiner(dir string) (gatekeeper.Examiner, error) {
	if j.live != nil {
		return j.live.follow(j.cfg, dir)
	}
	options, err := trusted(j.cfg, dir)
	if err != nil {
		return nil, err
	}
	if j.unpinned {
		options.Pins = ""
	}
	options.ListFolders = j.reuse // advice on many files, which ends; what serves never trusts a folder's stamps so far
	v, err := provenance.New(options)
	if err != nil {
		return nil, err
	}
	return &examinerWitness{v, j}, nil
}

// pinsDir is where the operator's pins are kept, for all trees.
func pinsDir(cfg *config.Config) string { return filepath.Join(cfg.State, "pins") }
