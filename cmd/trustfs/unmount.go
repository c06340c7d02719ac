//go:build !lean

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"trustfs/fs"
	"trustfs/internal/term"
)

func (a *app) unmountCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unmount DIR",
		Aliases: []string{"umount"},
		Short:   "Take a mount of trustfs off for good, and a guard that a stopped service left",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			point, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			busy, err := fs.Unmount(point)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "unmounted %s\n", term.Escape(args[0]))
			if busy {
				fmt.Fprintln(a.stderr, "readers still have files open there; they are served until they close them")
			}
			return nil
		},
	}
}
