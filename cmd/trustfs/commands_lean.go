//go:build lean

package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// commands are those that need little and are called often: by scripts, for each file. A command that is added here must
// print nothing before it knows that it need not hand over.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{a.auditCommand(), a.resolveCommand(), a.versionCommand()}
}

// missing says whether the command line is for the engine: whatever does not begin with a command of this program. Help on
// everything and words that are no command are the engine's too, since it knows them all.
func missing(args []string) bool {
	return len(args) == 0 || !slices.Contains([]string{"audit", "resolve", "version"}, args[0])
}
