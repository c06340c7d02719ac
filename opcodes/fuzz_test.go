package opcodes

import (
	"fmt"
	"strings"
	"testing"
)

// small is a budget under which every stream of a test ends soon.
var small = Budget{Opcodes: 100_000, Entries: 10_000, StringBytes: 1 << 20, Words: 1 << 20}

// endsWell checks what holds for every stream: a reason or STOP for each reading, the same twice, offsets within the
// stream, and names that do not depend on where the window ends or when memory is collected.
func endsWell(t testing.TB, data string) []string {
	t.Helper()
	events, rep := told(t, data, Options{Readings: All, Budget: small})
	again, rep2 := told(t, data, Options{Readings: All, Budget: small})
	if fmt.Sprint(events, rep.Outcomes) != fmt.Sprint(again, rep2.Outcomes) {
		t.Fatalf("%q: two runs differ:\n%q\n%q", data, events, again)
	}
	opt := eager(1 << 40)
	opt.Readings, opt.Budget = All, small
	if slow, _ := told(t, data, opt); fmt.Sprint(slow) != fmt.Sprint(events) {
		t.Fatalf("%q: events depend on the window:\n%q\n%q", data, slow, events)
	}
	sprints(t, data, small)
	var seen Readings
	for _, o := range rep.Outcomes {
		if o.Readings == 0 || o.Readings&seen != 0 {
			t.Fatalf("%q: readings %s come to two ends", data, o.Readings)
		}
		seen |= o.Readings
		if o.Offset < 0 || o.Offset > int64(len(data)) || o.End > int64(len(data)) || o.FileEnd > int64(len(data)) {
			t.Fatalf("%q: %+v lies outside the stream", data, o)
		}
		if o.Err != nil && o.Err.Error() == "" {
			t.Fatalf("%q: no reason", data)
		}
	}
	if seen != All {
		t.Fatalf("%q: only %s come to an end", data, seen)
	}
	return events
}

// sprints checks that whether opcodes are executed by sprint or by step makes no difference. Where the stream ends is
// step's alone, so that something follows.
func sprints(t testing.TB, data string, b Budget) {
	t.Helper()
	data += strings.Repeat("0N", lookahead)
	for _, window := range []int{0, 3 * lookahead} {
		want, rep1 := told(t, data, Options{Readings: All, Budget: b, window: window, plod: true})
		got, rep2 := told(t, data, Options{Readings: All, Budget: b, window: window})
		if i := differ(want, got); i >= 0 {
			t.Fatalf("%.300q: event %d: %s by sprint, %s by step", data, i, at(got, i), at(want, i))
		}
		if fmt.Sprint(rep1.Outcomes, rep1.Opcodes, rep1.Assumed) != fmt.Sprint(rep2.Outcomes, rep2.Opcodes, rep2.Assumed) {
			t.Fatalf("%.300q: %v after %d opcodes by sprint,\n%v after %d by step", data, rep2.Outcomes, rep2.Opcodes, rep1.Outcomes, rep1.Opcodes)
		}
	}
}

// TestSprint has streams in which much happens, under budgets that end some of them.
func TestSprint(t *testing.T) {
	for seed := range uint64(60) {
		for _, b := range []Budget{small, {Entries: 20}, {Entries: 100}, {Opcodes: 500}} {
			sprints(t, made(seed, 400), b)
		}
	}
}

// TestPrefixesAndMutations runs every prefix and every change of one byte of the seeds.
func TestPrefixesAndMutations(t *testing.T) {
	for _, s := range seeds() {
		for i := range len(s) {
			endsWell(t, s[:i])
			for _, c := range []byte{0, 1, '(', '.', 'R', 'c', '\n', 0x7f, 0x80, 0x93, 0x95, 0xff, s[i] ^ 1, s[i] ^ 0x80} {
				endsWell(t, s[:i]+string([]byte{c})+s[i+1:])
			}
		}
	}
}

// TestPrefixKeepsNames: what is told of a stream is told of it with anything behind it too, unless a frame ends there.
func TestPrefixKeepsNames(t *testing.T) {
	for _, s := range seeds() {
		if strings.Contains(s, "\x95") {
			continue // a frame that the stream's end cuts short is another frame
		}
		whole, _ := told(t, s, Options{Readings: C3})
		for i := range len(s) {
			part, _ := told(t, s[:i], Options{Readings: C3})
			if len(part) > len(whole) || fmt.Sprint(part) != fmt.Sprint(whole[:len(part)]) {
				t.Fatalf("%q up to %d: %q, the whole: %q", s, i, part, whole)
			}
		}
	}
}

func TestDeepNesting(t *testing.T) {
	for _, s := range []string{"N" + strings.Repeat("\x85", 3<<20) + ".", strings.Repeat("(", 1<<20) + strings.Repeat("t", 1<<20) + "."} {
		if _, rep := told(t, s, Options{}); rep.Err(Python3) != nil {
			t.Error(rep.Err(Python3))
		}
	}
}

func TestBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		data   string
		budget Budget
	}{
		"more opcodes":        {strings.Repeat("N0", 100) + "N.", Budget{Opcodes: 200}},
		"stack and memo":      {strings.Repeat("N", 100) + ".", Budget{Entries: 99}},
		"memo entries":        {"\x80\x04N" + strings.Repeat("\x94", 100) + ".", Budget{Entries: 100}},
		"marks":               {strings.Repeat("(", 100), Budget{Entries: 99}},
		"string bytes":        {"cos\nsystem\n.", Budget{StringBytes: 50}},
		"words":               {strings.Repeat("]", 1<<18), Budget{Words: 1 << 10}},
		"a line of":           {"c" + strings.Repeat("a", maxNameLine+1) + "\nb\n.", Budget{}},
		"a name of more than": {"\x80\x04\x8d\x00\x00\x02\x00\x00\x00\x00\x00" + strings.Repeat("a", 1<<17) + "\x8c\x01b\x93.", Budget{}},
	} {
		_, rep := told(t, c.data, Options{Budget: c.budget})
		if e := rep.Exceeded(); e == nil || e.Kind != OverBudget || !strings.Contains(e.Msg, name) {
			t.Errorf("%s: %v", name, rep.Err(Python3))
		}
	}
	if _, rep := told(t, strings.Repeat("N0", 99)+"N.", Options{Budget: Budget{Opcodes: 200}}); rep.Exceeded() != nil {
		t.Error("within the budget:", rep.Exceeded())
	}
}

func FuzzMachine(f *testing.F) {
	if len(seeds()) == 0 {
		f.Fatal("no seeds")
	}
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if len(data) < 1<<16 {
			endsWell(t, data)
		}
	})
}
