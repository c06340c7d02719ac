//go:build !lean

package main

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/formats/globals"
	"trustfs/gatekeeper"
)

func (a *app) rulesCommand() *cobra.Command {
	var showPresets, asJSON bool
	c := &cobra.Command{
		Use:   "rules",
		Short: "Print what is looked for and what it weighs; --presets: which names pickles may use",
		Args:  cobra.NoArgs,
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&showPresets, "presets", false, "print the allowlists of pickle globals instead")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		if showPresets {
			return a.printPresets(cfg, asJSON)
		}
		return a.printRules(cfg, asJSON)
	}
	return c
}

func (a *app) printRules(cfg *config.Config, asJSON bool) error {
	rules, err := gatekeeper.Rules(cfg.Weights)
	if err != nil {
		return err
	}
	if asJSON {
		return printLines(a, rules)
	}
	var rows [][]string
	for _, r := range rules {
		weight, fatal := strconv.Itoa(r.Weight), ""
		if r.Max > 0 {
			weight += " each, " + strconv.Itoa(r.Max) + " at most"
		}
		if r.Fatal {
			fatal = "fatal"
		}
		rows = append(rows, []string{r.Name, weight, fatal, r.Doc, r.Ref})
	}
	return a.stdout.Table([]string{"RULE", "WEIGHT", "", "WHAT", "SEE"}, rows, nil)
}

// presetLine is one entry of an allowlist as --json prints it.
type presetLine struct {
	Preset string `json:"preset"`
	On     bool   `json:"on"`
	Module string `json:"module"`
	Name   string `json:"name"`
	Use    string `json:"use"` // call, value or args:RULE
	Reason string `json:"reason"`
}

func (a *app) printPresets(cfg *config.Config, asJSON bool) error {
	on, err := presets(cfg)
	if err != nil {
		return err
	}
	lines := presetLines(on)
	if asJSON {
		return printLines(a, lines)
	}
	var rows [][]string
	for _, l := range lines {
		state := "off"
		if l.On {
			state = "on"
		}
		rows = append(rows, []string{l.Preset, state, l.Module + " " + l.Name, l.Use, l.Reason})
	}
	return a.stdout.Table([]string{"PRESET", "", "GLOBAL", "USE", "WHY"}, rows, nil)
}

// printLines prints each value as a JSON object on a line of its own.
func printLines[T any](a *app, values []T) error {
	enc := json.NewEncoder(a.stdout)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// presetLines lists the entries of every preset, in the presets' order.
func presetLines(on []string) []presetLine {
	var lines []presetLine
	for _, p := range globals.Presets() {
		for _, e := range p.Entries {
			lines = append(lines, presetLine{Preset: p.Name, On: slices.Contains(on, p.Name), Module: e.Module, Name: e.Name, Use: e.UseText(), Reason: e.Reason})
		}
	}
	return lines
}
