package main

import (
	"bytes"
	"strings"
	"testing"

	"trustfs/opcodes"
)

// The small pickles load, are of about the size that the row names, and differ from each other: equal ones would be judged
// once.
func TestSmallPickle(t *testing.T) {
	seen := map[string]bool{}
	for _, size := range []int{350, 6000} {
		for i := range manyPickles {
			b := smallPickle(i, size)
			if len(b) < size || len(b) > size+50 || seen[string(b)] {
				t.Fatalf("number %d of %d bytes has %d bytes, seen before: %v", i, size, len(b), seen[string(b)])
			}
			seen[string(b)] = true
			if r := opcodes.Run(bytes.NewReader(b), int64(len(b)), opcodes.Options{}); r.Err(opcodes.C3|opcodes.Py3) != nil || r.Exceeded() != nil {
				t.Fatal(r.Err(opcodes.C3 | opcodes.Py3))
			}
		}
	}
}

// A row says what its goal is and whether it is met, in both directions.
func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goals     []goal
		text, met string
	}{
		{nil, "", ""},
		{[]goal{atMost(1.2, 1.25, "")}, "at most 1.25", "yes"},
		{[]goal{atMost(1.3, 1.25, "")}, "at most 1.25", "NO"},
		{[]goal{atLeast(2.9, 3, " times")}, "at least 3 times", "NO"},
		{[]goal{atLeast(0.96, 0.95, ""), atLeast(0.4, 0.5, "")}, "at least 0.95, at least 0.5", "NO"},
	} {
		if text, met := (row{Goals: c.goals}).goal(); text != c.text || met != c.met {
			t.Errorf("%v: %q, %q", c.goals, text, met)
		}
	}
	var out bytes.Buffer
	if err := printRows(&out, []row{{What: "x", Goals: []goal{atMost(2, 1, " s")}}}); err != nil || !strings.Contains(out.String(), "at most 1 s | NO") {
		t.Errorf("%v\n%s", err, &out)
	}
}
