package main

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/trust"
	"trustfs/provenance"
)

// live is the configuration of a mount, which follows its file: whom it trusts and the terms of a verdict count at the
// next open, the rest at the next start.
type live struct {
	log  *slog.Logger
	gate *gatekeeper.Gate // set before anything is served
	now  atomic.Pointer[config.Config]
	errs []func() error // what of the files is not in force, and why; set before anything is served
}

// hot are the keys whose change counts at once.
var hot = []string{"trust-key", "trusted-publisher", "trusted-root", "checksums", "sbom",
	"profile", "max-score", "weights", "require-signature", "require-checksums", "require-sbom"}

// follow makes the examiner of provenance for the tree at dir. What cannot be read at the start stops the start; later it
// refuses everything until it is mended.
func (l *live) follow(cfg *config.Config, dir string) (*trust.Examiner, error) {
	l.now.Store(cfg)
	x, err := trust.New([]string{cfg.File()}, func() (provenance.Options, error) {
		fresh, err := cfg.Reload()
		if err != nil {
			return provenance.Options{}, err
		}
		options, err := trusted(fresh, dir)
		if err == nil && l.gate != nil {
			err = l.gate.Adopt(termsOf(fresh))
		}
		if err != nil {
			return options, err
		}
		l.tell(cfg, l.now.Swap(fresh), fresh)
		return options, nil
	}, l.log)
	if err == nil {
		l.errs = append(l.errs, x.Err)
	}
	return x, err
}

// begin takes the gate for which l was made, under the configuration as it is by now.
func (l *live) begin(g *gatekeeper.Gate) error {
	l.gate = g
	return g.Adopt(termsOf(l.now.Load()))
}

// tell says what has changed, and what of the file is not in force.
func (l *live) tell(start, before, now *config.Config) {
	changed := before.Changed(now)
	if len(changed) == 0 {
		return
	}
	cold := slices.DeleteFunc(start.Changed(now), func(key string) bool { return slices.Contains(hot, key) })
	level := slog.LevelInfo
	if len(cold) > 0 {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, "config.reloaded", "changed", changed, "not_in_force_before_a_restart", cold)
}

// termsOf are what the configuration says a verdict is reached by.
func termsOf(cfg *config.Config) gatekeeper.Terms {
	return gatekeeper.Terms{
		Profile: gatekeeper.Profile(cfg.Profile), MaxScore: cfg.MaxScore, Weights: cfg.Weights, Require: provenance.Requirements{
			Signature: cfg.RequireSignature, Checksums: cfg.RequireChecksums, SBOM: cfg.RequireSBOM,
		},
	}
}
