package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trustfs/internal/term"
	"trustfs/internal/within"
)

func (a *app) resolveCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "resolve --within DIR PATH",
		Short: "Print the real path of a model that must lie in a directory, or say why it does not",
		Long: "PATH is taken as any program would, from the working directory; links are followed. It must end at a regular\n" +
			"file below DIR. Exit status: 0 it does (the path is printed), 1 it does not, 2 DIR is unusable.",
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&dir, "within", "", "the `DIR` that the path must lie in")
	if err := c.MarkFlagRequired("within"); err != nil {
		panic(err) // the flag stands in the line above
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		root, err := within.Directory(dir)
		if err != nil {
			return err
		}
		path, err := root.File(args[0])
		if err != nil {
			return &noError{err}
		}
		if a.stdout.Terminal() {
			path = term.Escape(path)
		}
		_, err = fmt.Fprintln(a.stdout, path) // for programs: the name as it is
		return err
	}
	return c
}
