package term

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"model.pt", "model.pt"},
		{"мoдель 模型 é.pt", "мoдель 模型 é.pt"},
		{"\x1b[2Jevil", `\x1b[2Jevil`},
		{"a\nb\tc\rd\x7f", `a\x0ab\x09c\x0dd\x7f`},
		{"\x9b31m", `\x9b31m`},             // C1 as a raw byte
		{"\u009b31m", `\u009b31m`},         // C1 as UTF-8
		{"a\u202etxt.pt", `a\u202etxt.pt`}, // right-to-left override
		{"a\u200bb\u2028c", `a\u200bb\u2028c`},
		{"a\u00a0b", `a\u00a0b`}, // a blank that is none
		{"\U000e0041", `\U000e0041`},
		{"a\xffb", `a\xffb`},
		{"", ""},
	} {
		if got := Escape(tt.in); got != tt.want {
			t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"a", "\x1b]0;x\x07", "\xc2", "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Escape(s) {
			if !unicode.IsPrint(r) {
				t.Fatalf("Escape(%q) leaves %U", s, r)
			}
		}
	})
}

func TestTableKeepsHostileCellsOnTheirLine(t *testing.T) {
	var b bytes.Buffer
	rows := [][]string{{"deny", "a\nallow b", "\x1b[1mx"}, {"allow", "模型.pt", ""}}
	if err := New(&b).Table([]string{"VERDICT", "FILE", "WHY"}, rows, nil); err != nil {
		t.Fatal(err)
	}
	want := "VERDICT  FILE          WHY\ndeny     a\\x0aallow b  \\x1b[1mx\nallow    模型.pt\n"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
	if strings.ContainsRune(b.String(), '\x1b') {
		t.Error("colour where no terminal is")
	}
}

func TestNilProgressIsSilent(t *testing.T) {
	var b bytes.Buffer
	p := New(&b).Progress("judging", 100)
	p.Add(5)
	p.Done()
	if b.Len() != 0 {
		t.Errorf("a bar was drawn where no terminal is: %q", b.String())
	}
}

// Where nobody looks a table is the one that a terminal of any width shows, without its colours.
func TestPlainTableIsTheTerminals(t *testing.T) {
	headers := []string{"VERDICT", "FILE", "WHY"}
	for name, rows := range map[string][][]string{
		"none":  nil,
		"plain": {{"refused", "a", "because"}, {"admitted", "a/longer/name", ""}},
		"wide":  {{"refused", "模型.safetensors", "x"}, {"admitted", "é.bin", "y"}, {"", "", ""}},
		"odd":   {{"refused", "a\x1b[31m\n\u202eb", "two  blanks and a tail  "}},
	} {
		o := New(&bytes.Buffer{})
		if got, want := plainTable(headers, rows), o.table(headers, rows, nil); got != want {
			t.Errorf("%s:\n%q\nlipgloss has\n%q", name, got, want)
		}
	}
}
