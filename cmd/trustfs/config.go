//go:build !lean

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/gatekeeper"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check or show the configuration"}
	c.AddCommand(a.configCheckCommand(), a.configShowCommand())
	return c
}

const everySetting = config.Judging | config.Mounting | config.Quantizing

func (a *app) configCheckCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Say what is wrong with the configuration", Args: cobra.NoArgs}
	flags := config.Bind(c.Flags(), everySetting)
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return &noError{err}
		}
		if err := checkNames(cfg); err != nil {
			return &noError{err}
		}
		_, err = fmt.Fprintln(a.stdout, "the configuration is good")
		return err
	}
	return c
}

// checkNames looks up the names in a configuration that other packages know: rules and presets.
func checkNames(cfg *config.Config) error {
	if _, err := gatekeeper.Rules(cfg.Weights); err != nil {
		return err
	}
	_, err := presets(cfg)
	return err
}

func (a *app) configShowCommand() *cobra.Command {
	c := &cobra.Command{Use: "show", Short: "Print every setting and where it comes from", Args: cobra.NoArgs}
	flags := config.Bind(c.Flags(), everySetting)
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		var rows [][]string
		for _, r := range cfg.Rows() {
			rows = append(rows, []string{r.Key, r.Value, r.From})
		}
		return a.stdout.Table([]string{"KEY", "VALUE", "FROM"}, rows, nil)
	}
	return c
}
