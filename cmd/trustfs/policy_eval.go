//go:build !lean

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/advice"
	"trustfs/internal/term"
	"trustfs/policy"
)

func (a *app) policyEvalCommand() *cobra.Command {
	var showInput bool
	c := &cobra.Command{
		Use:   "eval --policy FILE REPORT|PATH",
		Short: "Say what a policy answers for one report, or for one file",
		Long: "REPORT is a file with one line of audit --json, or - for standard input; any other PATH is judged first, as an\n" +
			"audit judges it. The context comes from the configuration, the opener is you. What a report does not hold (owner,\n" +
			"links, the SBOM's document) is null there.\n" +
			"Exit status: 0 the policy does not object, 1 it does, 2 it gave no answer, which refuses an open too.",
		Args: cobra.ExactArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&showInput, "input", false, "print the input document, and ask nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		if len(cfg.Policy) == 0 && !showInput {
			return &usageError{errors.New("which policy? name it with --policy, or policy in the configuration"), c.CommandPath()}
		}
		in, err := a.policyInput(c.Context(), cfg, args[0])
		if err != nil {
			return err
		}
		if showInput {
			return a.printInput(in)
		}
		return a.evalPolicy(c.Context(), cfg, in)
	}
	return c
}

func (a *app) printInput(in policy.Input) error {
	b, err := in.Document()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", b)
	return err
}

func (a *app) evalPolicy(ctx context.Context, cfg *config.Config, in policy.Input) error {
	p, err := policy.Load(cfg.Policy, cfg.PolicyQuery)
	if err != nil {
		return err
	}
	d, err := p.Eval(ctx, in)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		word     string
		messages []string
	}{{a.stdout.Bad("deny"), d.Deny}, {a.stdout.Strong("warn"), d.Warn}} {
		for _, m := range part.messages {
			if _, err := fmt.Fprintf(a.stdout, "%s  %s\n", part.word, term.Escape(m)); err != nil {
				return err
			}
		}
	}
	if len(d.Deny) > 0 {
		return errRefused
	}
	_, err = fmt.Fprintf(a.stdout, "%s does not object\n", p.Query())
	return err
}

// policyInput makes the document of a report, or of a file that is judged for it.
func (a *app) policyInput(ctx context.Context, cfg *config.Config, name string) (policy.Input, error) {
	me := &gatekeeper.Opener{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: uint32(os.Getpid())}
	line, err := a.reportLine(name)
	if err != nil {
		return policy.Input{}, err
	}
	if line == nil {
		return a.inputOf(ctx, cfg, name, me)
	}
	in, err := policy.FromReport(line)
	if err != nil {
		return in, fmt.Errorf("%s: %w", name, err)
	}
	in.Context, in.Opener = surroundings(cfg), advice.Opener(me)
	return in, nil
}

// maxReport bounds a report in bytes; the largest have some thousands of findings.
const maxReport = 16 << 20

// reportLine reads a report; nil when the file is none, and is to be judged instead.
func (a *app) reportLine(name string) ([]byte, error) {
	from := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil || !st.Mode().IsRegular() || st.Size() > maxReport {
			return nil, err
		}
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > maxReport {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxReport)
	}
	var report struct{ Path, Verdict *string }
	if name != "-" && (json.Unmarshal(b, &report) != nil || report.Path == nil || report.Verdict == nil) {
		return nil, nil
	}
	return b, nil
}

// A listener is an Adviser that objects to nothing, and keeps the question.
type listener struct{ question *gatekeeper.Question }

func (l *listener) Advise(_ context.Context, q *gatekeeper.Question, _ *gatekeeper.Opener) (gatekeeper.Advice, error) {
	l.question = q
	return gatekeeper.Advice{}, nil
}
func (*listener) RefersToOpener() bool { return false }
func (*listener) Epoch() uint64        { return 0 }

// inputOf judges a file up to where the policy is asked.
func (a *app) inputOf(ctx context.Context, cfg *config.Config, name string, me *gatekeeper.Opener) (policy.Input, error) {
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return policy.Input{}, err
	}
	defer j.close()
	l := &listener{}
	j.adviser = l
	items, err := j.list(ctx, []string{name})
	if err != nil {
		return policy.Input{}, err
	}
	if len(items) != 1 || items[0].name != name {
		return policy.Input{}, fmt.Errorf("%s: is a folder; ask about one file", name)
	}
	if err := items[0].judge(ctx, nil); err != nil {
		return policy.Input{}, err
	}
	if l.question == nil {
		return policy.Input{}, fmt.Errorf("%s: the policy is not even asked: %s", name, strings.Join(items[0].report.Reasons, "; "))
	}
	return advice.InputFor(l.question, surroundings(cfg), me), nil
}
