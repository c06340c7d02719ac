package term

import (
	"io"
	"os"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/muesli/termenv"
	xterm "golang.org/x/term"
)

// An Output is where people read. Made by New; safe for one goroutine.
type Output struct {
	io.Writer
	terminal bool
	width    int // columns; 0 when nobody looks
	render   *lipgloss.Renderer
}

// New looks at what w is: colours and line widths are only for terminals, and NO_COLOR (no-color.org) switches colours off.
func New(w io.Writer) *Output {
	o := &Output{Writer: w, render: lipgloss.NewRenderer(w)}
	o.render.SetColorProfile(termenv.Ascii)
	f, ok := w.(*os.File)
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return o
	}
	o.terminal = true
	if width, _, err := xterm.GetSize(int(f.Fd())); err == nil {
		o.width = width
	}
	if os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		o.render.SetColorProfile(termenv.ANSI)
	}
	return o
}

// Terminal says whether a person looks.
func (o *Output) Terminal() bool { return o.terminal }

// The colours, by what they say.
func (o *Output) good() lipgloss.Style { return o.render.NewStyle().Foreground(lipgloss.Color("2")) }
func (o *Output) bad() lipgloss.Style {
	return o.render.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)
}
func (o *Output) strong() lipgloss.Style { return o.render.NewStyle().Bold(true) }

// Good colours what is admitted or present. The text is escaped.
func (o *Output) Good(text string) string { return o.good().Render(Escape(text)) }

// Bad colours what is refused or missing. The text is escaped.
func (o *Output) Bad(text string) string { return o.bad().Render(Escape(text)) }

// Strong is for headings. The text is escaped.
func (o *Output) Strong(text string) string { return o.strong().Render(Escape(text)) }

// Table prints rows below headers. Every cell is escaped; style, if not nil, colours a cell by its row and column. On a
// terminal the last column wraps at the edge; elsewhere each row is one line.
func (o *Output) Table(headers []string, rows [][]string, style func(row, col int) Tone) error {
	if !o.terminal {
		_, err := io.WriteString(o, plainTable(headers, rows))
		return err
	}
	_, err := io.WriteString(o, o.table(headers, rows, style))
	return err
}

func (o *Output) table(headers []string, rows [][]string, style func(row, col int) Tone) string {
	t := table.New().Headers(headers...).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).BorderHeader(false)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = Escape(cell)
		}
		t.Row(cells...)
	}
	t.StyleFunc(func(row, col int) lipgloss.Style {
		s := o.render.NewStyle()
		if row == table.HeaderRow {
			s = o.strong()
		} else if style != nil {
			s = o.tone(style(row, col))
		}
		if col < len(headers)-1 {
			s = s.PaddingRight(2)
		}
		return s
	})
	if text := t.String(); o.width > 0 && lipgloss.Width(text) > o.width {
		t.Width(o.width)
	}
	return trimLines(t.String()) + "\n"
}

// A Tone is what a cell says.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Bad
)

func (o *Output) tone(t Tone) lipgloss.Style {
	switch t {
	case Good:
		return o.good()
	case Bad:
		return o.bad()
	}
	return o.render.NewStyle()
}
