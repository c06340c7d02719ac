//go:build !lean

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/internal/beneath"
	"trustfs/internal/quantize"
	"trustfs/internal/term"
	"trustfs/internal/walk"
	"trustfs/provenance/pins"
)

func (a *app) quantizeCommand() *cobra.Command {
	var pin bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "quantize IN OUT TYPE",
		Short: "Quantize an admitted model with an external quantizer, in the jail",
		Long: "IN must be admitted. The quantizer (llama.cpp's llama-quantize) sees a private copy of the judged bytes and one\n" +
			"output folder, no network and nothing else. What it writes is judged; beside OUT stands OUT.intoto.json, which says\n" +
			"from what, by what and when it was made. A failure, a timeout or Ctrl-C leaves nothing behind.\n" +
			"Exit status: 0 OUT is in place, 1 IN or what became of it is refused, 2 the quantizer failed or could not run.",
		Args: cobra.ExactArgs(3),
	}
	flags := config.Bind(c.Flags(), config.Judging|config.Quantizing)
	c.Flags().BoolVar(&pin, "pin", false, "pin the result")
	c.Flags().DurationVar(&timeout, "timeout", 0, "end the quantizer after `DURATION` (default: quantize.timeout of the configuration)")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		if timeout > 0 {
			cfg.Quantize.Timeout = max(1, int(timeout/time.Second))
		}
		return a.quantize(c.Context(), cfg, args[0], args[1], args[2], pin)
	}
	return c
}

func (a *app) quantize(ctx context.Context, cfg *config.Config, in, out, kind string, pin bool) error {
	tool, err := quantize.FindTool(ctx, cfg.Quantizer, cfg.Quantize.SHA256)
	if err != nil {
		return err
	}
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer j.close()
	content := *cfg
	content.Profile, content.RequireSignature, content.RequireChecksums, content.RequireSBOM = "content", false, false, false
	byContent, err := newJudges(&content, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer byContent.close()
	if in, err = filepath.Abs(in); err == nil {
		out, err = filepath.Abs(out)
	}
	if err != nil {
		return err
	}
	bar := &tensors{app: a}
	result, err := quantize.Run(ctx, quantize.Job{
		In: in, Out: out, Type: kind, Types: cfg.Quantize.Types, Tool: tool, Worker: cfg.Jail.Worker,
		Timeout: time.Duration(cfg.Quantize.Timeout) * time.Second,
		Admit:   j.admit, AdmitContent: byContent.admit, Progress: bar.to,
	})
	bar.done()
	if refused, ok := errors.AsType[*quantize.RefusedError](err); ok {
		return &noError{fmt.Errorf("%w\ntrustfs explain %s says more", refused, refused.Path)}
	}
	if err != nil {
		return err
	}
	if pin {
		p := pins.Pin{Digest: result.SHA256, Time: time.Now().UTC(), By: who(), Path: out, Note: "quantized from " + filepath.Base(in) + " to " + kind}
		if err := pins.At(pinsDir(cfg)).Pin(p); err != nil {
			return fmt.Errorf("%s is in place, and not pinned: %w", out, err)
		}
	}
	fmt.Fprintf(a.stdout, "%s\n  sha256     %s\n  provenance %s\n", term.Escape(out), result.SHA256, term.Escape(result.Statement))
	return nil
}

// admit opens one file below its own tree, and has it judged.
func (j *judges) admit(ctx context.Context, name string) (*os.File, *gatekeeper.Judgement, error) {
	dir, rel, err := walk.Split(name)
	if err != nil {
		return nil, nil, err
	}
	if rel == "" {
		return nil, nil, fmt.Errorf("%s is a folder, expected a model file: %w", name, beneath.ErrNotRegular)
	}
	t, err := j.tree(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := t.root.Regular(rel)
	if err != nil {
		return nil, nil, err
	}
	verdict, err := t.gate.Judge(ctx, gatekeeper.Subject{File: f, Path: rel, Tree: t.root})
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, verdict, nil
}

// tensors is a bar over the tensors that the quantizer counts.
type tensors struct {
	app *app
	bar *term.Progress
	at  int
}

func (t *tensors) to(done, total int) {
	if t.bar == nil {
		t.bar = t.app.stderr.Progress("quantizing", int64(total))
	}
	t.bar.Add(int64(done - t.at))
	t.at = done
}

func (t *tensors) done() { t.bar.Done() }
