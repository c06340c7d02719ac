//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"trustfs/internal/lean"
)

// commands is the table of commands.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.mountCommand(), a.unmountCommand(),
		a.auditCommand(), a.explainCommand(),
		a.pinCommand(), a.unpinCommand(), a.pinsCommand(),
		a.quantizeCommand(),
		a.signCommand(), a.verifyCommand(), a.trustCommand(), a.policyCommand(),
		a.convertCommand(), a.resolveCommand(), a.rulesCommand(), a.configCommand(),
		a.doctorCommand(), a.versionCommand(),
	}
}

// missing says whether the command line is for another program: here is all there is.
func missing([]string) bool { return false }

// handOver is never needed here.
func handOver() error { return lean.ErrBeyond }
