//go:build !lean

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/internal/mounts"
	"trustfs/internal/remedy"
	"trustfs/internal/term"
)

func (a *app) explainCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain PATH",
		Short: "Say why a file is admitted or refused, and what would change that",
		Long: "Through a mount, the mount's own judgement is explained; elsewhere the file is judged as an audit does.\n" +
			"Exit status: 0 the file is admitted, 1 it is refused, 2 it could not be judged.",
		Args: cobra.ExactArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&asJSON, "json", false, "print the whole report as JSON instead")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		r, err := a.reportOn(c.Context(), cfg, args[0])
		if err != nil {
			return err
		}
		if asJSON {
			enc := encoder(a.stdout)
			enc.SetIndent("", "  ")
			err = enc.Encode(r)
		} else {
			err = a.printExplanation(cfg, r)
		}
		if err == nil && r.Verdict != gatekeeper.Allow {
			err = errRefused
		}
		return err
	}
	return c
}

// reportOn gets the report that a mount holds of a file, or has the file judged.
func (a *app) reportOn(ctx context.Context, cfg *config.Config, name string) (*gatekeeper.Report, error) {
	r, err := mounts.Report(name)
	if err == nil {
		r.SetPath(name)
		return r, nil
	}
	if !errors.Is(err, mounts.ErrNone) {
		return nil, err
	}
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	items, err := j.list(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	if len(items) != 1 || items[0].name != name {
		return nil, fmt.Errorf("%s: is a folder; explain one file, or audit the folder", name)
	}
	bar := a.stderr.Progress("judging", totalSize(items))
	err = judgeAll(ctx, items, bar, func(*item) error { return nil })
	bar.Done()
	return items[0].report, err
}

func (a *app) printExplanation(cfg *config.Config, r *gatekeeper.Report) error {
	rules, err := gatekeeper.Rules(cfg.Weights)
	if err != nil {
		return err
	}
	docs := map[string]string{}
	for _, rule := range rules {
		docs[rule.Name] = rule.Doc
		if rule.Ref != "" {
			docs[rule.Name] += " (see " + rule.Ref + ")"
		}
	}
	var b strings.Builder
	a.writeHead(&b, r)
	a.writeFindings(&b, r, docs)
	a.writeRemedies(&b, r, remedy.Terms{MaxScore: cfg.MaxScore, RequireSignature: cfg.RequireSignature})
	_, err = a.stdout.Write([]byte(b.String()))
	return err
}

func (a *app) writeHead(b *strings.Builder, r *gatekeeper.Report) {
	word := a.stdout.Bad("refused")
	if r.Verdict == gatekeeper.Allow {
		word = a.stdout.Good("admitted")
	}
	fmt.Fprintf(b, "%s: %s, %s, score %d\n", term.Escape(r.Path), word, r.Level, r.Score)
	for _, reason := range r.Reasons {
		fmt.Fprintf(b, "  because   %s\n", term.Escape(reason))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(b, "  warning   %s\n", term.Escape(w))
	}
	fmt.Fprintf(b, "  content   %s, %s, %s\n", term.Escape(r.Format), r.Class, humanize.IBytes(uint64(max(0, r.Size))))
	if r.SHA256 != "" {
		fmt.Fprintf(b, "  sha256    %s\n", r.SHA256)
	}
	p := r.Provenance
	pin := "not pinned"
	if p.Pinned {
		pin = "pinned by the operator"
	}
	signature := p.Signature.Status
	if p.Signature.Identity != "" {
		signature += " (" + p.Signature.Kind + " by " + p.Signature.Identity + ")"
	}
	fmt.Fprintf(b, "  origin    %s; checksum list: %s; signature: %s; SBOM: %s\n", pin, term.Escape(p.Checksum), term.Escape(signature), term.Escape(p.SBOM))
}

// maxExplained bounds the findings that are printed; --json has all of them.
const maxExplained = 40

func (a *app) writeFindings(b *strings.Builder, r *gatekeeper.Report, docs map[string]string) {
	if len(r.Findings) > 0 {
		fmt.Fprintf(b, "\n%s\n", a.stdout.Strong("findings"))
	}
	said := map[string]bool{}
	for i, f := range r.Findings {
		if i == maxExplained {
			fmt.Fprintf(b, "  and %d more: see --json\n", len(r.Findings)+r.Truncated-i)
			break
		}
		fmt.Fprintf(b, "  %s%s%s%s\n", term.Escape(f.Rule), weight(f, said[f.Rule]), lead(" at ", f.Where), lead(": ", f.Detail))
		if doc := docs[f.Rule]; doc != "" && !said[f.Rule] {
			fmt.Fprintf(b, "      %s\n", term.Escape(doc))
		}
		said[f.Rule] = true
	}
}

// weight says what a finding adds; the later ones of a rule that counts once add nothing, and say nothing.
func weight(f gatekeeper.Finding, again bool) string {
	switch {
	case f.Score == 0 && again:
		return ""
	case f.Fatal:
		return fmt.Sprintf(" (+%d, fatal)", f.Score)
	}
	return fmt.Sprintf(" (+%d)", f.Score)
}

// lead puts a word before hostile text that is not empty.
func lead(word, text string) string {
	if text == "" {
		return ""
	}
	return word + term.Escape(text)
}

func (a *app) writeRemedies(b *strings.Builder, r *gatekeeper.Report, terms remedy.Terms) {
	remedies := remedy.For(r, remedy.Quote(r.Path), terms)
	if len(remedies) > 0 {
		fmt.Fprintf(b, "\n%s\n", a.stdout.Strong("what would admit it"))
	}
	for _, m := range remedies {
		fmt.Fprintf(b, "  - %s\n", term.Escape(m.What))
		if m.Command != "" {
			fmt.Fprintf(b, "      %s\n", term.Escape(m.Command))
		}
	}
}
