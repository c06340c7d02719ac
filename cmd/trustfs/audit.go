package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/internal/lean"
	"trustfs/internal/sarif"
	"trustfs/internal/term"
)

func (a *app) auditCommand() *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use:   "audit PATH...",
		Short: "Judge files and folders without a mount",
		Long: "Judges each file as an open through a mount would, and prints what is admitted, what is refused, and why.\n" +
			"Exit status: 0 everything is admitted, 1 something is refused, 2 the audit could not run.",
		Args: cobra.MinimumNArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object a file, one a line")
	c.Flags().BoolVar(&o.sarif, "sarif", false, "print a SARIF 2.1.0 log")
	c.Flags().BoolVar(&o.refused, "refused", false, "print refused files only")
	c.Flags().StringVar(&o.save, "save", "", "write the reports to `FILE` too, one JSON object a line")
	c.MarkFlagsMutuallyExclusive("json", "sarif")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		return a.audit(c.Context(), cfg, args, o)
	}
	return c
}

type auditOptions struct {
	json, sarif, refused bool
	save                 string
}

func (a *app) audit(ctx context.Context, cfg *config.Config, paths []string, o auditOptions) (err error) {
	if err := tooMuch(cfg, paths); err != nil {
		return err
	}
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		return err
	}
	defer func() { j.end(err) }()
	items, err := j.list(ctx, paths)
	if err != nil {
		return j.before(err)
	}
	start := time.Now()
	bar := a.stderr.Progress("judging", totalSize(items))
	lines := encoder(a.stdout)
	line := func(it *item) error {
		if o.json && o.shows(it.report) {
			return lines.Encode(it.report)
		}
		return nil
	}
	if lean.Build {
		err = judgeFew(ctx, j, items, bar, line)
	} else {
		err = judgeAll(ctx, items, bar, line)
	}
	bar.Done()
	if err != nil {
		return err
	}
	shown := o.shown(items)
	switch {
	case o.sarif:
		err = a.printSARIF(cfg, shown)
	case !o.json:
		err = errors.Join(a.printTable(shown), a.printSummary(items, time.Since(start)))
	}
	if err == nil && o.save != "" {
		err = saveReports(o.save, shown)
	}
	if err == nil && refusedCount(items) > 0 {
		err = errRefused
	}
	return err
}

// shows says whether a report is printed.
func (o auditOptions) shows(r *gatekeeper.Report) bool {
	return !o.refused || r.Verdict != gatekeeper.Allow
}

func (o auditOptions) shown(items []*item) []*gatekeeper.Report {
	var out []*gatekeeper.Report
	for _, it := range items {
		if o.shows(it.report) {
			out = append(out, it.report)
		}
	}
	return out
}

// encoder writes JSON for programs and people: "<" stays "<".
func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

func saveReports(name string, reports []*gatekeeper.Report) error {
	var b bytes.Buffer
	enc := encoder(&b)
	for _, r := range reports {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

func (a *app) printSARIF(cfg *config.Config, reports []*gatekeeper.Report) error {
	rules, err := gatekeeper.Rules(cfg.Weights)
	if err != nil {
		return err
	}
	return sarif.Write(a.stdout, version, rules, reports)
}

// printTable shows verdicts to people: one row a file, the first reason of those refused.
func (a *app) printTable(reports []*gatekeeper.Report) error {
	if len(reports) == 0 {
		return nil
	}
	var rows [][]string
	for _, r := range reports {
		why := ""
		if r.Verdict != gatekeeper.Allow || r.Audit {
			why = summary(r)
		}
		rows = append(rows, []string{verdictWord(r), string(r.Level), strconv.Itoa(r.Score), r.Format, r.Path, why})
	}
	return a.stdout.Table([]string{"VERDICT", "LEVEL", "SCORE", "FORMAT", "FILE", "WHY"}, rows, func(row, col int) term.Tone {
		switch {
		case col != 0:
			return term.Plain
		case reports[row].Verdict == gatekeeper.Allow:
			return term.Good
		}
		return term.Bad
	})
}

// summary is the first reason; a bare score also names the rules that make it up, the heaviest first.
func summary(r *gatekeeper.Report) string {
	if len(r.Reasons) == 0 {
		return ""
	}
	why := r.Reasons[0]
	if strings.HasPrefix(why, "not analysed: ") {
		why = r.Reasons[len(r.Reasons)-1] // the requirement that is not met
	}
	if n := len(r.Reasons) - 1; n > 0 && !strings.HasPrefix(why, "score ") {
		why += fmt.Sprintf(" (and %d more)", n)
	}
	if strings.HasPrefix(why, "score ") {
		rules := slices.SortedFunc(maps.Keys(r.Breakdown), func(a, b string) int {
			return cmp.Or(r.Breakdown[b]-r.Breakdown[a], strings.Compare(a, b))
		})
		why += ": " + strings.Join(rules[:min(3, len(rules))], ", ")
	}
	return why
}

// verdictWord is the verdict as people read it.
func verdictWord(r *gatekeeper.Report) string {
	if r.Verdict == gatekeeper.Allow {
		return "admitted"
	}
	return "refused"
}

func refusedCount(items []*item) (n int) {
	for _, it := range items {
		if it.report.Verdict != gatekeeper.Allow {
			n++
		}
	}
	return n
}

func (a *app) printSummary(items []*item, took time.Duration) error {
	refused := refusedCount(items)
	_, err := fmt.Fprintf(a.stdout, "\n%d files, %s: %d admitted, %d refused, in %s\n", len(items),
		humanize.IBytes(uint64(totalSize(items))), len(items)-refused, refused, took.Round(10*time.Millisecond))
	return err
}
