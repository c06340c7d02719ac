//go:build !lean

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/fs"
	"trustfs/internal/events"
	"trustfs/internal/term"
)

func (a *app) mountCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "mount DIR [MOUNTPOINT]",
		Short: "Serve a models directory so that open() enforces trust",
		Long: "Serves DIR at MOUNTPOINT, or over DIR itself, in the foreground until it is interrupted or unmounted. Events go\n" +
			"to standard error, one JSON object a line.",
		Args: cobra.RangeArgs(1, 2),
	}
	flags := config.Bind(c.Flags(), config.Judging|config.Mounting)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		point := args[0]
		if len(args) == 2 {
			point = args[1]
		}
		return a.mount(c.Context(), cfg, args[0], point)
	}
	return c
}

func (a *app) mount(ctx context.Context, cfg *config.Config, dir, point string) error {
	dir, point, err := places(dir, point)
	if err != nil {
		return err
	}
	if err := errors.Join(outside(cfg, dir, point), neededOutside(cfg, dir, point), promised(cfg)); err != nil {
		return err
	}
	queue := events.New(a.stderr)
	defer queue.Close()
	log := slog.New(slog.NewJSONHandler(queue, nil))
	j, err := newServing(cfg, log)
	if err != nil {
		return err
	}
	defer j.close()
	j.live = &live{log: log}
	gate, err := j.gate(dir)
	if err != nil {
		return err
	}
	room := spoolFor(cfg, gate)
	defer room.Close()
	clearSpool(cfg, room, log)
	defer gate.Close()
	// From here on the daemon's own working directory must not be one that it serves.
	if err := os.Chdir("/"); err != nil {
		return err
	}
	server, err := fs.Mount(mountOptions(cfg, dir, point, gate, log, j.live))
	if err != nil {
		return err
	}
	return a.serve(ctx, server, dir, queue)
}

// places makes both ends absolute, links followed as far as the root of a dead mount allows.
func places(dir, point string) (string, string, error) {
	var errs [2]error
	for i, p := range []*string{&dir, &point} {
		abs, err := filepath.Abs(*p)
		if err == nil {
			if parent, e := filepath.EvalSymlinks(filepath.Dir(abs)); e == nil {
				abs = filepath.Join(parent, filepath.Base(abs))
			}
			if real, e := filepath.EvalSymlinks(abs); e == nil {
				abs = real
			}
		}
		*p, errs[i] = abs, err
	}
	return dir, point, errors.Join(errs[:]...)
}

// outside makes sure that the daemon needs nothing that lies in what it serves: it would wait for itself, and whoever
// writes models could write pins.
func outside(cfg *config.Config, dir, point string) error {
	for _, tree := range []string{dir, point} {
		if cfg.State == tree || strings.HasPrefix(cfg.State, strings.TrimSuffix(tree, "/")+"/") {
			return fmt.Errorf("state (%s): %s lies in %s, which is served; keep it elsewhere with --state", cfg.Origin("state"), cfg.State, tree)
		}
	}
	return nil
}

// promised refuses settings whose promise this version does not keep: a mount that passes over them would be trusted for
// what it does not do.
func promised(cfg *config.Config) error {
	var errs []error
	for _, o := range []struct {
		key, value string
		kept       []string
	}{
		{"serve", cfg.Serve, []string{"auto", "verified"}},
		{"seal", cfg.Seal, []string{"none"}},
		{"prescan", cfg.Prescan, []string{"off"}},
	} {
		if !slices.Contains(o.kept, o.value) {
			errs = append(errs, fmt.Errorf("%s (%s): %s is not built into this version of trustfs", o.key, cfg.Origin(o.key), o.value))
		}
	}
	return errors.Join(errs...)
}

func mountOptions(cfg *config.Config, dir, point string, gate fs.Gate, log *slog.Logger, l *live) fs.Options {
	claims := &fs.Claims{}
	o := fs.Options{Dir: dir, Mountpoint: point, Gate: gate, Log: log, Guard: cfg.Guard, Status: statusOf(l, dir, point, claims),
		Views: fs.ViewMode(cfg.Views), Claims: claims}
	if os.Geteuid() == 0 {
		o.RunDir = fs.DefaultRunDir
		o.OwnerOnly = !cfg.AllowOther
	} else {
		o.AllowOther = cfg.AllowOther
	}
	return o
}

// statusOf gives .trustfs/status.json.
func statusOf(l *live, dir, point string, claims *fs.Claims) func() []byte {
	started := time.Now().UTC()
	return func() []byte {
		cfg := l.now.Load()
		b, err := json.Marshal(map[string]any{
			"version": version, "pid": os.Getpid(), "dir": dir, "mountpoint": point, "started": started,
			"profile": cfg.Profile, "max_score": cfg.MaxScore,
			"views": cfg.Views, "views_claimed_twice": claims.Names(),
			"trouble": l.trouble(),
		})
		if err != nil {
			return []byte("{}\n")
		}
		return append(b, '\n')
	}
}

// serve runs until the mount is gone or the command is interrupted.
func (a *app) serve(ctx context.Context, server *fs.Server, dir string, queue *events.Queue) error {
	line := fmt.Sprintf("serving %s at %s (unmount: trustfs unmount, or end this command)", dir, server.Mountpoint())
	if b := server.Backing(); b != "" {
		line += "; the real directory: " + b
	}
	fmt.Fprintln(queue, term.Escape(line))
	notify(daemon.SdNotifyReady)
	gone := make(chan struct{})
	go func() {
		server.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	notify(daemon.SdNotifyStopping)
	busy, err := server.Close()
	if busy {
		fmt.Fprintln(queue, "readers still had files open; what they read from now on fails with ENOTCONN")
	}
	return err
}

// notify tells systemd, where there is one. A failure changes nothing about the mount.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// newServing is newJudges for a mount, which is asked again and again: workers wait for it, and it remembers more.
func newServing(cfg *config.Config, log *slog.Logger) (*judges, error) {
	j := &judges{cfg: cfg, log: log, trees: map[string]*tree{}}
	return j, j.start(false)
}
