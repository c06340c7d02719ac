package jail

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

var update = flag.Bool("update", false, "write the red team's table into docs/jail.md")

const (
	document   = "../docs/jail.md"
	tableBegin = "<!-- The table below is written by: go test ./jail -run TestRedTeam -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// checkDocument compares the table in docs/jail.md with what was just seen, or writes it.
func checkDocument(t *testing.T, attacks []listed, table map[string]map[string]string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), tableBegin)
	old, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", document)
	}
	first := hostLine()
	got := first + render(attacks, table)
	if *update {
		if err := os.WriteFile(document, []byte(head+tableBegin+got+tableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.HasPrefix(old, first) {
		t.Logf("NOT COMPARED with %s: it was written on another kind of host (%s)", document, strings.TrimSpace(first))
		return
	}
	if old != got {
		t.Errorf("%s is out of date: go test ./jail -run TestRedTeam -update; the first difference:\n%s", document, firstDifference(old, got))
	}
}

// hostLine says on what kind of host the table holds in every cell.
func hostLine() string {
	abi, _ := llsys.LandlockGetABIVersion()
	who := "an ordinary user"
	if os.Geteuid() == 0 {
		who = "root"
	}
	return fmt.Sprintf("\nSeen with Landlock ABI %d, the pool run by %s:\n\n", abi, who)
}

func render(attacks []listed, table map[string]map[string]string) string {
	var b strings.Builder
	b.WriteString("| the worker tries |")
	for _, c := range columns {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	group := ""
	for _, a := range attacks {
		if a.Group != group {
			group = a.Group
			b.WriteString("| **" + group + "** |" + strings.Repeat(" |", len(columns)) + "\n")
		}
		b.WriteString("| " + a.Name + " |")
		for _, c := range columns {
			b.WriteString(" " + cell(table[c.short][a.Name]) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cell leaves out the error's name, which differs from kernel to kernel.
func cell(s string) string {
	switch s {
	case "killed", "ended":
		return s
	case "open":
		return "·"
	case "untried":
		return ""
	}
	return "denied"
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "document: " + x[i] + "\nseen:     " + y[i]
		}
	}
	return "one is longer"
}
