package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A row is one line of the result. Empty fields do not apply.
type row struct {
	what                 string
	plain, bare, trusted string
	ratio, goal          string
}

// printRows writes a Markdown table, which reads well on a terminal too.
func printRows(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintf(t, "\n| measured\t plain directory\t server without checks\t trustfs\t ratio\t goal\t\n|---\t---\t---\t---\t---\t---\t\n")
	for _, r := range rows {
		fmt.Fprintf(t, "| %s\t %s\t %s\t %s\t %s\t %s\t\n", r.what, r.plain, r.bare, r.trusted, r.ratio, r.goal)
	}
	return t.Flush()
}
