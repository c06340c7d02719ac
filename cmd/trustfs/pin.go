//go:build !lean

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"trustfs/config"
	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/internal/remedy"
	"trustfs/internal/term"
	"trustfs/provenance/pins"
)

type pinOptions struct {
	clean, yes bool
	note       string
	accept     []string
}

func (a *app) pinCommand() *cobra.Command {
	var o pinOptions
	c := &cobra.Command{
		Use:   "pin PATH... | pin --clean DIR...",
		Short: "Approve files by digest: your own word for exactly these bytes",
		Long: "A pin stands for a file's origin. It does not outweigh its content: what was found there must be accepted rule\n" +
			"by rule. With --clean, everything below DIR that lacks nothing but an origin is shown, and pinned.\n" +
			"Exit status: 0 everything named is pinned, 1 something is not, 2 nothing could be judged.",
		Args: cobra.MinimumNArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&o.clean, "clean", false, "pin all files below a folder that their content admits")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().StringVar(&o.note, "note", "", "keep `TEXT` with the pins: why")
	c.Flags().StringArrayVar(&o.accept, "accept", nil, "accept what `RULE` found, in exactly these bytes (repeat for more)")
	c.MarkFlagsMutuallyExclusive("clean", "accept")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		return a.pin(c.Context(), cfg, args, o)
	}
	return c
}

func (a *app) pin(ctx context.Context, cfg *config.Config, paths []string, o pinOptions) error {
	if err := checkRules(cfg, o.accept); err != nil {
		return err
	}
	if !o.clean {
		for _, p := range paths {
			if st, err := os.Stat(p); err == nil && st.IsDir() {
				return fmt.Errorf("%s is a folder: trustfs pin --clean %s pins what its content admits", p, remedy.Quote(p))
			}
		}
	}
	paths, err := sourcesOfViews(paths)
	if err != nil {
		return err
	}
	items, err := a.judgeUnpinned(ctx, cfg, paths)
	if err != nil {
		return err
	}
	p := &pinning{app: a, cfg: cfg, o: o, store: pins.At(pinsDir(cfg))}
	if o.clean {
		return p.clean(items)
	}
	return p.named(items)
}

// judgeUnpinned judges as if nothing were pinned: what a pin covers must be seen anew when it is given.
func (a *app) judgeUnpinned(ctx context.Context, cfg *config.Config, paths []string) ([]*item, error) {
	// A worker for each file: what is pinned here is trusted, and no file may have a say in another's pin.
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	j.unpinned = true
	items, err := j.list(ctx, paths)
	if err != nil {
		return nil, err
	}
	bar := a.stderr.Progress("judging", totalSize(items))
	defer bar.Done()
	return items, judgeAll(ctx, items, bar, func(*item) error { return nil })
}

func checkRules(cfg *config.Config, accept []string) error {
	rules, err := gatekeeper.Rules(cfg.Weights)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range rules {
		known[r.Name] = true
	}
	for _, name := range accept {
		if !known[name] {
			return fmt.Errorf("--accept %s: no rule has that name (trustfs rules lists them)", name)
		}
	}
	return nil
}

// pinning is one run of the pin command.
type pinning struct {
	*app
	cfg   *config.Config
	o     pinOptions
	store *pins.Store
}

// left is what would still refuse an item once it is pinned.
func (p *pinning) left(it *item) remedy.Left {
	return remedy.AfterPin(it.report, p.o.accept, remedy.Terms{MaxScore: p.cfg.MaxScore, RequireSignature: p.cfg.RequireSignature})
}

// named pins each file, or says what would still refuse it.
func (p *pinning) named(items []*item) error {
	var refused bool
	for _, it := range items {
		r, left := it.report, p.left(it)
		switch {
		case r.SHA256 == "" || len(left.Faults) > 0:
			refused = true
			fmt.Fprintf(p.stderr, "%s: not pinned: %s\n", term.Escape(it.name), term.Escape(strings.Join(append(left.Faults, r.Reasons...)[:1], "")))
		case len(left.Rules) > 0:
			refused = true
			fmt.Fprintf(p.stderr, "%s: not pinned: its content would refuse it all the same (%s, score %d)\n  see: trustfs explain %s\n"+
				"  to accept that in exactly these bytes: trustfs pin --accept %s %s\n",
				term.Escape(it.name), strings.Join(left.Rules, ", "), left.Score, term.Escape(remedy.Quote(it.name)),
				strings.Join(append(left.Rules, p.o.accept...), " --accept "), term.Escape(remedy.Quote(it.name)))
		default:
			if err := p.write(it); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "pinned %s  %s\n", r.SHA256, term.Escape(it.name))
		}
	}
	if refused {
		return errRefused
	}
	return nil
}

// clean shows what lacks nothing but an origin, asks, and pins it.
func (p *pinning) clean(items []*item) error {
	todo, rest, err := p.choose(items)
	if err != nil {
		return err
	}
	if len(todo) == 0 {
		_, err := fmt.Fprintf(p.stdout, "nothing to pin; %d files stay refused\n", rest)
		return err
	}
	var rows [][]string
	for _, it := range todo {
		rows = append(rows, []string{it.report.SHA256[:16], it.report.Format, humanize.IBytes(uint64(it.report.Size)), it.name})
	}
	if err := p.stdout.Table([]string{"SHA256", "FORMAT", "SIZE", "FILE"}, rows, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\n%d files lack nothing but an origin; %d stay refused (trustfs audit --refused shows why)\n", len(todo), rest)
	if !p.o.yes {
		if err := p.ask(fmt.Sprintf("Pin these %d files? [y/N] ", len(todo))); err != nil {
			return err
		}
	}
	for _, it := range todo {
		if err := p.write(it); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "pinned %d files; mounts see it at the next open\n", len(todo))
	return err
}

// choose splits items into those that a pin would admit, and counts those that stay refused. Documents, and what is
// admitted or pinned already, need no pin.
func (p *pinning) choose(items []*item) (todo []*item, rest int, err error) {
	for _, it := range items {
		r := it.report
		if r.Verdict == gatekeeper.Allow && !r.Audit || r.Class == formats.ClassDocument && r.Verdict == gatekeeper.Allow {
			continue
		}
		if r.SHA256 == "" || !p.left(it).None() {
			rest++
			continue
		}
		digest, err := integrity.ParseDigest(r.SHA256)
		if err != nil {
			return nil, 0, err
		}
		if _, err := p.store.Get(digest); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
		todo = append(todo, it)
	}
	return todo, rest, nil
}

func (p *pinning) write(it *item) error {
	digest, err := integrity.ParseDigest(it.report.SHA256)
	if err != nil {
		return err
	}
	return p.store.Pin(pins.Pin{Digest: digest, Time: time.Now(), By: who(), Note: p.o.note, Path: it.report.Path, Accept: p.o.accept})
}

// ask wants a yes from a person.
func (a *app) ask(question string) error {
	f, ok := a.stdin.(*os.File)
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return errors.New("nothing was pinned: nobody is there to ask; say --yes")
	}
	fmt.Fprint(a.stderr, question)
	answer, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return no("nothing was pinned")
}

// who names the person for the record; it proves nothing.
func who() string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if by := os.Getenv("SUDO_USER"); by != "" {
		name += " (sudo by " + by + ")"
	}
	return name
}
