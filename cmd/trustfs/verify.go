//go:build !lean

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/internal/term"
	"trustfs/internal/walk"
	"trustfs/provenance"
	"trustfs/views"
)

func (a *app) verifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify PATH...",
		Short: "Check whatever vouches for a model, and say who does",
		Long: "Looks at provenance alone: pins, checksum lists, signatures, signed manifests. A folder with a model.sig is held\n" +
			"against it as a whole, missing and added files too; nothing is analysed, and whether a file may be opened is for\n" +
			"audit to say. What describes a model (README, configuration, the lists and signatures themselves) is shown only\n" +
			"where something speaks against it.\n" +
			"Exit status: 0 somebody trusted vouches for everything, 1 not for all or something is wrong, 2 it could not be checked.",
		Args: cobra.MinimumNArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		return a.verify(c.Context(), cfg, args)
	}
	return c
}

func (a *app) verify(ctx context.Context, cfg *config.Config, paths []string) error {
	good, checked := true, 0
	for _, given := range paths {
		v, err := newVerification(a, cfg, given)
		if err != nil {
			return err
		}
		err = v.run(ctx)
		v.root.Close()
		if err != nil {
			return err
		}
		good, checked = good && v.good, checked+v.checked
	}
	switch {
	case !good:
		return errRefused
	case checked == 0:
		return no("%s: no model in it: nothing was checked", strings.Join(paths, " "))
	}
	return nil
}

// A verification looks at one path of the command line.
type verification struct {
	app      *app
	cfg      *config.Config
	given    string
	rel      string // of one file; empty for the folder
	root     *beneath.Root
	verifier *provenance.Verifier
	good     bool
	checked  int
}

func newVerification(a *app, cfg *config.Config, given string) (*verification, error) {
	dir, rel, err := walk.Split(given)
	if err != nil {
		return nil, err
	}
	options, err := trusted(cfg, dir)
	if err != nil {
		return nil, err
	}
	verifier, err := provenance.New(options)
	if err != nil {
		return nil, err
	}
	root, err := beneath.Open(dir)
	if err != nil {
		return nil, err
	}
	return &verification{app: a, cfg: cfg, given: given, rel: rel, root: root, verifier: verifier, good: true}, nil
}

func (v *verification) run(ctx context.Context) error {
	if v.rel != "" {
		return v.file(ctx, walk.One(v.root, v.rel), v.given, true)
	}
	if err := v.folder(ctx); err != nil {
		return err
	}
	entries, err := walk.Tree(ctx, v.root, "")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := v.file(ctx, e, filepath.Join(v.given, e.Path), !describes(e.Path)); err != nil {
			return err
		}
	}
	return nil
}

// folder holds a folder against its own signed manifest, where it has one.
func (v *verification) folder(ctx context.Context) error {
	opened, err := os.OpenRoot(v.root.File().Name())
	if err != nil {
		return err
	}
	defer opened.Close()
	sig, report, err := v.verifier.VerifyFolder(ctx, opened.FS(), folderSignature)
	if err != nil {
		return fmt.Errorf("%s: %w", v.given, err)
	}
	if sig.Status == provenance.SignatureNone {
		return nil
	}
	if err := v.say(sig.Status == provenance.SignatureValid, filepath.Join(v.given, folderSignature), signatureWords(sig)); err != nil {
		return err
	}
	if report == nil {
		return nil
	}
	for _, list := range []struct {
		what  string
		names []string
	}{{"differs from what was signed", report.Mismatched}, {"was signed, and is missing", report.Missing}, {"was added after signing", report.Added}} {
		for _, name := range list.names {
			if err := v.say(false, filepath.Join(v.given, name), list.what); err != nil {
				return err
			}
		}
	}
	return nil
}

// file looks at what vouches for one file. needs says whether somebody has to.
func (v *verification) file(ctx context.Context, e walk.Entry, name string, needs bool) error {
	if e.Kind != walk.Regular {
		return v.say(false, name, e.Why)
	}
	if done, err := v.view(ctx, name, needs); done || err != nil {
		return err
	}
	return v.origin(ctx, e, name, needs)
}

// origin is file for what is itself the file that is called name, or the source of that view.
func (v *verification) origin(ctx context.Context, e walk.Entry, name string, needs bool) error {
	f, err := v.root.Regular(e.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	steps := &steps{bar: v.app.stderr.Progress("reading", st.Size())}
	m, err := integrity.Build(ctx, f, st.Size(), steps.to)
	steps.bar.Done()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ev, err := v.verifier.Evidence(ctx, v.root, provenance.Subject{
		Path: e.Path, SHA256: m.Digest, Size: m.Size, File: integrity.NewReader(f, m),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return v.judge(name, ev, needs)
}

// view looks at a view of a mount, called name: the origin of a view is its source's. done is false for what is none.
func (v *verification) view(ctx context.Context, name string, needs bool) (done bool, err error) {
	if len(views.SourcesOf(filepath.Base(name))) == 0 {
		return false, nil
	}
	sources, err := sourcesOfViews([]string{name})
	if err != nil || sources[0] == name {
		return false, err
	}
	of, err := newVerification(v.app, v.cfg, sources[0])
	if err != nil {
		return false, err
	}
	defer of.root.Close()
	e := walk.One(of.root, of.rel)
	if e.Kind != walk.Regular {
		return true, v.say(false, name, e.Why)
	}
	err = of.origin(ctx, e, name, needs)
	v.good, v.checked = v.good && of.good, v.checked+of.checked
	return true, err
}

// judge says what the evidence comes to, by the same rules as an open. Whatever they find speaks against the file.
func (v *verification) judge(name string, ev *provenance.Evidence, needs bool) error {
	class, req := formats.ClassModel, provenance.Requirements{
		Signature: v.cfg.RequireSignature, Checksums: v.cfg.RequireChecksums, SBOM: v.cfg.RequireSBOM,
	}
	if !needs {
		class = formats.ClassDocument
	}
	var against []string
	for _, f := range provenance.Findings(ev, class, req) {
		if !slices.Contains(ev.Accepts, f.Rule) {
			against = append(against, f.Rule+lead(": ", f.Detail)+lead(" at ", f.Where))
		}
	}
	against = append(against, req.Unmet(ev, class)...)
	switch {
	case len(against) > 0:
		return v.say(false, name, strings.Join(against, "; "))
	case !needs:
		return nil
	}
	v.checked++
	return v.say(true, name, strings.Join(vouchers(ev), "; "))
}

// say prints one line. A bad one decides the exit status.
func (v *verification) say(good bool, name, what string) error {
	word := v.app.stdout.Good("good")
	if !good {
		word, v.good = v.app.stdout.Bad("BAD "), false
	}
	_, err := fmt.Fprintf(v.app.stdout, "%s  %s: %s\n", word, term.Escape(name), term.Escape(what))
	return err
}

// no is an answer of no.
func no(format string, args ...any) error { return &noError{fmt.Errorf(format, args...)} }
