//go:build !lean

package main

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/internal/host"
	"trustfs/internal/term"
	"trustfs/jail"
	"trustfs/provenance/pins"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Try what this host offers, and say how to mend what it lacks",
		Long:  "Exit status: 0 a mount will work, 1 something that it needs is missing.",
		Args:  cobra.NoArgs,
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a check, one a line")
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		checks := slices.Concat(host.Mounting(), jailChecks(cfg), []host.Check{stateCheck(cfg)})
		if asJSON {
			err = a.printChecksJSON(checks)
		} else {
			err = a.printChecks(checks)
		}
		for _, c := range checks {
			if err == nil && c.State == host.Missing {
				err = errRefused
			}
		}
		return err
	}
	return c
}

// jailChecks puts on every layer of the jail in real workers.
func jailChecks(cfg *config.Config) []host.Check {
	var checks []host.Check
	require := jail.Require(cfg.Jail.Require)
	for _, l := range jail.Probe(jailConfig(cfg)) {
		c := host.Check{Name: "jail: " + l.Name, Detail: l.Detail, Mend: l.Mend}
		switch {
		case l.State == jail.Present:
			c.State = host.Present
		case !l.Required, require == jail.RequireSeccomp && l.Name != jail.LayerWorker && l.Name != jail.LayerSeccomp:
			c.State = host.Optional
		}
		checks = append(checks, c)
	}
	return append(checks, jailCheck(cfg))
}

// jailCheck starts a pool as a mount would: under jail.require=seccomp some layers may lack.
func jailCheck(cfg *config.Config) host.Check {
	c := host.Check{Name: "jail"}
	one := jailConfig(cfg)
	one.PoolSize = 1
	pool, err := jail.NewPool(one)
	if err != nil {
		c.Detail = err.Error()
		c.Mend = "see the layers above; in a container without user namespaces: jail: {require: seccomp} in the configuration"
		return c
	}
	defer pool.Close()
	c.State, c.Detail = host.Present, "a worker started with every layer on"
	if missing := pool.Missing(); len(missing) > 0 {
		c.Detail = "a worker started without: " + strings.Join(missing, ", ")
	}
	return c
}

// stateCheck looks at the directory of pins as a judgement would.
func stateCheck(cfg *config.Config) host.Check {
	c := host.Check{Name: "state"}
	err := pins.At(pinsDir(cfg)).Check()
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.State, c.Detail = host.Present, pinsDir(cfg)+": nothing pinned yet"
	case err != nil:
		c.Detail, c.Mend = err.Error(), "chown and chmod go-w that directory, or name another with --state"
	default:
		c.State, c.Detail = host.Present, pinsDir(cfg)
	}
	return c
}

var stateWords = map[host.State]string{host.Missing: "missing", host.Optional: "without", host.Present: "present"}

func (a *app) printChecks(checks []host.Check) error {
	var rows [][]string
	for _, c := range checks {
		detail := c.Detail
		if c.Mend != "" {
			detail += " -- to mend it: " + c.Mend
		}
		rows = append(rows, []string{stateWords[c.State], c.Name, detail})
	}
	return a.stdout.Table([]string{"STATE", "WHAT", "SEEN"}, rows, func(row, col int) term.Tone {
		switch {
		case col == 0 && checks[row].State == host.Missing:
			return term.Bad
		case col == 0 && checks[row].State == host.Present:
			return term.Good
		}
		return term.Plain
	})
}

func (a *app) printChecksJSON(checks []host.Check) error {
	enc := json.NewEncoder(a.stdout)
	for _, c := range checks {
		line := map[string]string{"name": c.Name, "state": stateWords[c.State], "detail": c.Detail, "mend": c.Mend}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
