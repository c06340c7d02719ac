//go:build !lean

package main

import (
	"path/filepath"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/spool"
)

// spoolFor gives a gate the room to inflate compressed sources of views. The caller closes it after the gate.
func spoolFor(cfg *config.Config, gate *gatekeeper.Gate) (*spool.Spool, error) {
	s, err := spool.New(filepath.Join(cfg.State, "spool"), int64(cfg.ViewsSpool)<<20)
	if err != nil {
		return nil, err
	}
	gate.UseSpool(s)
	return s, nil
}
