//go:build !lean

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/integrity"
	"trustfs/internal/term"
	"trustfs/provenance/pins"
)

func (a *app) pinsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "pins", Short: "List what is pinned", Args: cobra.NoArgs}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a pin, one a line")
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		all, err := pins.At(pinsDir(cfg)).List()
		if err != nil {
			return err
		}
		if asJSON {
			return a.printPinsJSON(all)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(a.stdout, "nothing is pinned")
			return err
		}
		var rows [][]string
		for _, p := range all {
			rows = append(rows, []string{p.Digest.String(), p.Time.Local().Format(time.DateTime), p.By, p.Path, strings.Join(p.Accept, ", "), p.Note})
		}
		return a.stdout.Table([]string{"SHA256", "WHEN", "BY", "FILE", "ACCEPTS", "NOTE"}, rows, nil)
	}
	return c
}

func (a *app) printPinsJSON(all []pins.Pin) error {
	for _, p := range all {
		line, err := p.Encode()
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := json.Compact(&out, line); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(a.stdout, out.String()); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) unpinCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "unpin DIGEST|PATH...",
		Short: "Take pins back",
		Long:  "Exit status: 0 all were taken back, 1 something was not pinned, 2 it could not be done.",
		Args:  cobra.MinimumNArgs(1),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		return a.unpin(c.Context(), pins.At(pinsDir(cfg)), args)
	}
	return c
}

func (a *app) unpin(ctx context.Context, store *pins.Store, args []string) error {
	var missing bool
	for _, arg := range args {
		digest, err := digestOf(ctx, arg)
		if err != nil {
			return err
		}
		switch err := store.Unpin(digest); {
		case errors.Is(err, fs.ErrNotExist):
			missing = true
			fmt.Fprintf(a.stderr, "%s: was not pinned\n", term.Escape(arg))
		case err != nil:
			return err
		default:
			fmt.Fprintf(a.stdout, "unpinned %s  %s\n", digest, term.Escape(arg))
		}
	}
	if missing {
		return errRefused
	}
	return nil
}

// digestOf reads a digest, or hashes the file of that name.
func digestOf(ctx context.Context, arg string) (integrity.Digest, error) {
	if d, err := integrity.ParseDigest(arg); err == nil {
		return d, nil
	}
	f, err := os.Open(arg)
	if err != nil {
		return integrity.Digest{}, fmt.Errorf("neither a digest nor a file that can be read: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return integrity.Digest{}, err
	}
	if !st.Mode().IsRegular() {
		return integrity.Digest{}, fmt.Errorf("%s: not a regular file", arg)
	}
	m, err := integrity.Build(ctx, f, st.Size(), nil)
	if err != nil {
		return integrity.Digest{}, fmt.Errorf("%s: %w", arg, err)
	}
	return m.Digest, nil
}
