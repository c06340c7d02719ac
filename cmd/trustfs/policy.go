//go:build !lean

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trustfs/internal/term"
	"trustfs/policy"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Test a policy, or ask it about one file"}
	c.AddCommand(a.policyTestCommand(), a.policyEvalCommand())
	return c
}

func (a *app) policyTestCommand() *cobra.Command {
	var query string
	c := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run a policy's own tests",
		Long: "PATHs are Rego files, or folders of them. The rules test_* of *_test.rego are run, and each *.golden.json is held\n" +
			"against what the policy says of the report in it. Exit status: 0 all pass, 1 some do not, 2 there is none, or the\n" +
			"policy does not compile.",
		Args: cobra.MinimumNArgs(1),
	}
	c.Flags().StringVar(&query, "policy-query", "", "the policy's package, as in `data.mine`")
	c.RunE = func(c *cobra.Command, args []string) error {
		results, err := policy.Test(c.Context(), args, query)
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := a.printTest(r); err != nil {
				return err
			}
		}
		if !policy.Passed(results) {
			return errRefused
		}
		return nil
	}
	return c
}

func (a *app) printTest(r policy.TestResult) error {
	word := a.stdout.Good("pass")
	if !r.Passed {
		word = a.stdout.Bad("FAIL")
	}
	where := ""
	if !r.Passed && r.Line > 0 {
		where = fmt.Sprintf(" (%s:%d)", r.File, r.Line)
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s%s%s\n", word, term.Escape(r.Name), term.Escape(where), lead(": ", r.Detail))
	return err
}
