//go:build !lean

package main

import (
	"log/slog"
	"path/filepath"

	"trustfs/config"
	"trustfs/fs"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/spool"
)

// spoolFor gives a gate the room to inflate compressed sources of views; nothing is touched before it is needed. The caller
// closes it after the gate.
func spoolFor(cfg *config.Config, gate *gatekeeper.Gate) *spool.Spool {
	s := spool.New(filepath.Join(cfg.State, "spool"), int64(cfg.ViewsSpool)<<20)
	gate.UseSpool(s)
	return s
}

// clearSpool removes what an earlier mount has left, where views are shown. Trouble with it concerns views of compressed
// sources alone, whose opens will say so: everything else is served.
func clearSpool(cfg *config.Config, room *spool.Spool, log *slog.Logger) {
	if fs.ViewMode(cfg.Views) == fs.ViewsOff || room.Max() == 0 {
		return
	}
	if err := room.Clear(); err != nil {
		log.Warn("views of compressed sources cannot be opened", "error", err.Error())
	}
}
