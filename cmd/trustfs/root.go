package main

import (
	"io"

	"github.com/spf13/cobra"

	"trustfs/internal/term"
)

// app is what commands share: where they read and where they write.
type app struct {
	stdin  io.Reader
	stdout *term.Output
	stderr *term.Output
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{stdin: stdin, stdout: term.New(stdout), stderr: term.New(stderr)}
}

// root holds the commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "trustfs",
		Short:         "A filesystem that opens only the models you can trust",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return &usageError{err, c.CommandPath()} })
	root.AddCommand(a.commands()...)
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	return root
}

// wrapArgs makes a wrong number of arguments a usage error, as a wrong flag is.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{err, c.CommandPath()}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}
