package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// A row is one line of the result. Empty fields do not apply.
type row struct {
	What    string `json:"what"`
	Beside  string `json:"beside,omitempty"` // what trustfs is measured against
	Trusted string `json:"trustfs"`
	Ratio   string `json:"ratio,omitempty"` // of the two, or what else there is to say
	Goals   []goal `json:"goals,omitempty"`
}

// A goal is what the project holds itself to. A figure beyond one is a defect.
type goal struct {
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Least bool    `json:"at_least"` // Value must not be less than Limit; otherwise not more
	Unit  string  `json:"unit,omitempty"`
}

func atMost(value, limit float64, unit string) goal  { return goal{value, limit, false, unit} }
func atLeast(value, limit float64, unit string) goal { return goal{value, limit, true, unit} }

func (g goal) met() bool {
	if g.Least {
		return g.Value >= g.Limit
	}
	return g.Value <= g.Limit
}

func (g goal) String() string {
	sense := map[bool]string{false: "at most", true: "at least"}[g.Least]
	return fmt.Sprintf("%s %g%s", sense, g.Limit, g.Unit)
}

// goal is all goals of a row in words, and whether they are met.
func (r row) goal() (text, met string) {
	var words []string
	met = "yes"
	for _, g := range r.Goals {
		words = append(words, g.String())
		if !g.met() {
			met = "NO"
		}
	}
	if len(words) == 0 {
		return "", ""
	}
	return strings.Join(words, ", "), met
}

// printRows writes a Markdown table, which reads well on a terminal too.
func printRows(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintf(t, "\n| measured\t beside\t trustfs\t ratio\t goal\t met\t\n|---\t---\t---\t---\t---\t---\t\n")
	for _, r := range rows {
		text, met := r.goal()
		fmt.Fprintf(t, "| %s\t %s\t %s\t %s\t %s\t %s\t\n", r.What, r.Beside, r.Trusted, r.Ratio, text, met)
	}
	return t.Flush()
}

// saveRows writes the same for programs.
func saveRows(name string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
