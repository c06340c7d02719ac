//go:build !lean

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"trustfs/config"
	"trustfs/provenance"
	"trustfs/provenance/keys"
	"trustfs/provenance/sigstore"
)

func (a *app) trustCommand() *cobra.Command {
	c := &cobra.Command{Use: "trust", Short: "Show whom the configuration trusts, or fetch Sigstore's trusted root"}
	c.AddCommand(a.trustShowCommand(), a.trustUpdateCommand())
	return c
}

func (a *app) trustShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Print every key, publisher, list and authority whose word counts",
		Long: "Prints what the configuration trusts, checked as a mount checks it when it starts. Pins are not shown here: see\n" +
			"trustfs pins. Exit status: 0 printed, 2 something in it cannot be trusted.",
		Args: cobra.NoArgs,
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.RunE = func(*cobra.Command, []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		return a.showTrust(cfg)
	}
	return c
}

func (a *app) showTrust(cfg *config.Config) error {
	options, err := trusted(cfg, "")
	if err != nil {
		return err
	}
	if _, err := provenance.New(options); err != nil { // the same checks as a mount: owners, strength, private keys
		return err
	}
	var rows [][]string
	for _, file := range cfg.TrustKey {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all, err := keys.Parse(b, "")
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, k := range all {
			kind := "key"
			if k.Authority != nil {
				kind = "authority"
			}
			rows = append(rows, []string{kind, k.ID(), file})
		}
	}
	for _, list := range []struct {
		kind, key string
		values    []string
	}{{"publisher", "trusted-publisher", cfg.TrustedPublisher}, {"checksum list", "checksums", cfg.Checksums}, {"SBOM", "sbom", cfg.SBOM}} {
		for _, v := range list.values {
			rows = append(rows, []string{list.kind, v, cfg.Origin(list.key)})
		}
	}
	if len(rows) == 0 && cfg.TrustedRoot == "" {
		_, err := fmt.Fprintln(a.stdout, "nobody is trusted but the operator's own pins: see --trust-key, --trusted-publisher, --checksums")
		return err
	}
	if len(rows) > 0 {
		if err := a.stdout.Table([]string{"KIND", "WHO", "FROM"}, rows, nil); err != nil {
			return err
		}
	}
	return a.showRoot(cfg.TrustedRoot)
}

func (a *app) showRoot(file string) error {
	if file == "" {
		return nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return sigstore.Show(a.stdout, b)
}

func (a *app) trustUpdateCommand() *cobra.Command {
	var mirror, anchor string
	c := &cobra.Command{
		Use:   "update",
		Short: "Fetch Sigstore's trusted root into the file that --trusted-root names",
		Long: "Fetches trusted_root.json by The Update Framework: each step from the anchor is signed, and an older version than\n" +
			"the last one is refused. The file is replaced only by a root that serves. This is the one command that uses a\n" +
			"network; a judgement never does.",
		Args: cobra.NoArgs,
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().StringVar(&mirror, "mirror", "", "fetch from the repository at `URL` instead of Sigstore's own")
	c.Flags().StringVar(&anchor, "anchor", "", "begin with the root.json in `FILE`: a mirror of one's own needs it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		if cfg.TrustedRoot == "" {
			return &usageError{fmt.Errorf("where to? name the file with --trusted-root, or trusted-root in the configuration"), c.CommandPath()}
		}
		s := sigstore.Source{Cache: filepath.Join(cfg.State, "tuf"), Mirror: mirror}
		if anchor != "" {
			if s.Anchor, err = os.ReadFile(anchor); err != nil {
				return err
			}
		}
		b, err := sigstore.Fetch(c.Context(), s)
		if err != nil {
			return err
		}
		if err := replaceFile(cfg.TrustedRoot, b); err != nil {
			return err
		}
		return a.showRoot(cfg.TrustedRoot)
	}
	return c
}
