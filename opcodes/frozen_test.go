package opcodes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Items for a container that a handler froze are told, by every opcode and with and without sprint; others are not.
func TestFrozen(t *testing.T) {
	made := "cm\nf\n)R"
	tests := []struct {
		body string
		want []string
	}{
		{"}q\x01" + made + "h\x01b0h\x01X\x01\x00\x00\x00aNs", []string{"SETITEM dict 0"}},
		{"}q\x01X\x01\x00\x00\x00bNs0" + made + "h\x01b0h\x01X\x01\x00\x00\x00aNs", []string{"SETITEM dict 0"}},
		{"}q\x01" + made + "h\x01b0h\x01NNs", []string{"SETITEM dict 0"}},
		{"}q\x01" + made + "h\x01b0h\x01(NNNNu", []string{"SETITEMS dict 0"}},
		{"(dq\x01" + made + "h\x01b0h\x01NNs", []string{"SETITEM dict 0"}},
		{"]q\x01" + made + "h\x01b0h\x01Na", []string{"APPEND list 0"}},
		{"]q\x01Na0" + made + "h\x01b0h\x01Na", []string{"APPEND list 0"}},
		{"]q\x01" + made + "h\x01b0h\x01(NNe", []string{"APPENDS list 0"}},
		{"]q\x01Na0" + made + "h\x01b0h\x01K\x00Ns", []string{"SETITEM list 0"}},
		{"\x8fq\x01" + made + "h\x01b0h\x01(N\x90", []string{"ADDITEMS set 0"}},
		// A number that only run time knows, frozen or not.
		{"]Na" + made + "Ns", []string{"SETITEM list -1"}},
		{"]Na\x8a\x09" + strings.Repeat("\x01", 9) + "Ns", []string{"SETITEM list -1"}},
		// No change, and nothing that was frozen.
		{"]q\x01" + made + "h\x01b0h\x01(e", nil},
		{"]q\x01" + made + "h\x01bh\x01b", nil},
		{"}q\x01" + made + "}b0h\x01NNs", nil},
		{"]Na\x8a\x09" + strings.Repeat("\x00", 9) + "Ns", nil},
		{made + "}N]q\x01sb0h\x01Na", nil}, // what lies in it
	}
	for _, tc := range tests {
		for _, plod := range []bool{false, true} {
			var got []string
			in := "\x80\x04" + tc.body + "." + strings.Repeat(" ", 2*lookahead)
			rep := Run(strings.NewReader(in), int64(len(in)), Options{Readings: C3, plod: plod, Handler: func(m *Machine, e *Event) {
				switch e.Kind {
				case EvBuild:
					m.Freeze(e.Args)
					m.Freeze(e.Object) // which is no container
					if !m.Built(e.Object) {
						t.Errorf("%q: an object is not built by BUILD", tc.body)
					}
				case EvChanged:
					got = append(got, fmt.Sprint(OpName(e.Op), " ", e.Object.Kind(), " ", e.Index))
				}
			}})
			if !slices.Equal(got, tc.want) || rep.Err(C3) != nil {
				t.Errorf("%q, plod %v: told %q, want %q (%v)", tc.body, plod, got, tc.want, rep.Err(C3))
			}
		}
	}
}

// What was frozen or built stays so when the machine forgets what it held.
func TestFrozenForgotten(t *testing.T) {
	in := "\x80\x04}q\x01cm\nf\n)R}b0cm\nf\n)Rq\x02h\x01b0" + strings.Repeat("](NNe0", 50) + "h\x01NNs0h\x02Na."
	changed, built := 0, false
	Run(strings.NewReader(in), int64(len(in)), Options{
		Readings: C3, window: lookahead, plod: true,
		tune:    func(a *arena) { a.forgetAt = 1 },
		collect: func(*Machine) bool { return true },
		Handler: func(m *Machine, e *Event) {
			switch e.Kind {
			case EvBuild:
				m.Freeze(e.Args)
			case EvChanged:
				changed++
			case EvAppends:
				built = m.Built(e.Object)
			}
		}})
	if changed != 1 || !built {
		t.Errorf("%d changes told, built %v, want 1, true", changed, built)
	}
}

// Numbers of any width that a LONG1 may have are read if 64 bits hold them.
func TestIntPadded(t *testing.T) {
	long := func(b string) string { return "\x8a" + string([]byte{byte(len(b))}) + b }
	tests := []struct {
		body string
		want int64
		ok   bool
	}{
		{long("\x01" + strings.Repeat("\x00", 8)), 1, true},
		{long("\x02" + strings.Repeat("\x00", 254)), 2, true},
		{long("\xfe" + strings.Repeat("\xff", 99)), -2, true},
		{long(strings.Repeat("\xff", 8) + "\x00"), 0, false},
		{long(strings.Repeat("\x00", 8) + "\xff"), 0, false},
		{long(strings.Repeat("\x00", 8) + "\x01"), 0, false},
		{long("\xff"), -1, true},
		{long(""), 0, true},
		{"\x8b\x09\x00\x00\x00\x03" + strings.Repeat("\x00", 8), 3, true},
	}
	for _, tc := range tests {
		in := "\x80\x04" + tc.body + "."
		rep := Run(strings.NewReader(in), int64(len(in)), Options{Readings: C3, Contents: true})
		if x, ok := rep.Machine.Int(rep.Outcomes[0].Value); ok != tc.ok || ok && x != tc.want {
			t.Errorf("%q: %d %v, want %d %v", tc.body, x, ok, tc.want, tc.ok)
		}
	}
}
