package opcodes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every way of a name into a container is told, with its place in a tuple.
func TestHeld(t *testing.T) {
	name := "cm\nf\n"
	tests := []struct {
		body string
		want []string
	}{
		{name, nil},
		{name + "0N", nil},
		{name + "\x85", []string{"tuple 0"}},
		{"N" + name + "\x86", []string{"tuple 1"}},
		{"(NN" + name + "t", []string{"tuple 2"}},
		{"(" + name + "l", []string{"list -1"}},
		{"]" + name + "a", []string{"list -1"}},
		{"](N" + name + "e", []string{"list -1"}},
		{"]NaK\x00" + name + "s", []string{"list -1"}},
		{"]Na" + name + ")R" + name + "s", []string{"list -1"}},
		{"]Na\x8a\x09" + strings.Repeat("\x01", 9) + name + "s", []string{"list -1"}},
		{"(N" + name + "d", []string{"dict -1"}},
		{"}N" + name + "s", []string{"dict -1"}},
		{"}(NN" + name + "Nu", []string{"dict -1"}},
		{"\x8f(" + name + "\x90", []string{"set -1"}},
		{"(" + name + "\x91", []string{"frozenset -1"}},
		{name + ")R" + name + "a", []string{"call -1"}},
		{name + ")RN" + name + "s", []string{"call -1"}},
		{name + name + "\x85R", []string{"tuple 0"}},
		{"(" + name + name + "o", []string{"tuple 0"}},
		{"(" + name + "im\ng\n", []string{"tuple 0"}},
		{"](" + strings.Repeat("N", 2*KeptItems) + name + "e", []string{"list -1"}},
	}
	for _, tc := range tests {
		var got []string
		in := "\x80\x04" + tc.body + "."
		Run(strings.NewReader(in), int64(len(in)), Options{Readings: C3, Handler: func(m *Machine, e *Event) {
			if e.Kind == EvHeld {
				got = append(got, fmt.Sprint(e.Object.Kind(), " ", e.Index))
				if e.Global.Name != "f" || e.Readings != C3 {
					t.Errorf("%q: event %+v", tc.body, e)
				}
			}
		}})
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: told %q, want %q", tc.body, got, tc.want)
		}
	}
}

// A caller who runs a group of readers anew, as it was told of, is not told of that group again.
func TestSplitKeysOnce(t *testing.T) {
	in := "K\x01q\x00p1\n0N."
	queue := []Options{{Readings: All}}
	for runs := 0; len(queue) > 0; runs++ {
		if runs > 8 {
			t.Fatal("the same group forks for ever")
		}
		opt := queue[0]
		queue = queue[1:]
		opt.Handler = func(m *Machine, e *Event) {
			if e.Kind == EvReading {
				queue = append(queue, Options{Readings: e.Readings, SplitKeys: e.SplitKeys})
			}
		}
		Run(strings.NewReader(in), int64(len(in)), opt)
	}
}
