package term

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// trimLines takes off the blanks that a table pads its last column with.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// plainTable is the table for where nobody looks: what lipgloss makes, without the parser of escape sequences, of which each
// of its tables takes one with a buffer of 4 MiB.
func plainTable(headers []string, rows [][]string) string {
	lines := [][]string{headers}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = Escape(cell)
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(headers))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	return trimLines(b.String())
}
