package opcodes

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// told runs a pickle and gives a line for each event, and the report.
func told(t testing.TB, data string, opt Options) ([]string, *Report) {
	t.Helper()
	var lines []string
	next := opt.Handler
	opt.Handler = func(m *Machine, e *Event) {
		lines = append(lines, line(m, e))
		if next != nil {
			next(m, e)
		}
	}
	rep := Run(bytes.NewReader([]byte(data)), int64(len(data)), opt)
	return lines, rep
}

// line is "offset kind what", with the readings where they are not all of Python 3.
func line(m *Machine, e *Event) string {
	s := fmt.Sprintf("%d %s ", e.Offset, e.Kind)
	switch e.Kind {
	case EvGlobal:
		var names []string
		for _, n := range e.Global.Names {
			names = append(names, n.String())
		}
		s += strings.Join(names, "|")
		if e.Global.Dotted {
			s += " dotted"
		}
	case EvCall, EvPopped:
		s += m.Render(e.Object, 200)
		if e.Kind == EvCall {
			s += " " + m.Render(e.Args, 200)
		}
		if e.KwArgs != 0 {
			s += " **" + m.Render(e.KwArgs, 200)
		}
	case EvPersistent:
		s += m.Render(e.Args, 200)
	case EvExtension:
		s += fmt.Sprint(e.Code)
	case EvReading:
	case EvBuffer:
	default:
		s += m.Render(e.Object, 200) + " " + m.Render(e.Args, 200)
	}
	if e.Readings&Python3 != Python3 {
		s += " by " + e.Readings.String()
	}
	return strings.TrimRight(s, " ")
}

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, pickle string
		want         []string
		err          string // of Python 3, a part
	}{
		{"global and reduce", "cos\nsystem\n(S'ls'\ntR.", []string{"0 global os:system", `19 call os:system ("ls")`}, ""},
		{"renamed below protocol 3", "c__builtin__\neval\n.", []string{"0 global __builtin__:eval|builtins:eval"}, ""},
		{"not renamed at protocol 3", "\x80\x03c__builtin__\neval\n.", []string{"2 global __builtin__:eval"}, ""},
		{"dotted at protocol 4", "\x80\x04\x8c\x02os\x8c\x0bpath.joined\x93.",
			[]string{"19 global os:path.joined dotted"}, ""},
		{"through the memo", "\x80\x04\x8c\x02os\x940\x8c\x06system\x94h\x00h\x01\x93.", []string{"21 global os:system dotted"}, ""},
		{"popped call", "cos\nsystem\n(S'ls'\ntR0N.",
			[]string{"0 global os:system", `19 call os:system ("ls")`, `20 popped os:system("ls")`}, ""},
		{"inst", "(S'ls'\nios\nsystem\n.", []string{"7 global os:system", `7 call os:system ("ls")`}, ""},
		{"obj", "(cos\nsystem\nS'ls'\no.", []string{"1 global os:system", `18 call os:system ("ls")`}, ""},
		{"newobj", "\x80\x02cos\nsystem\n)\x81.", []string{"2 global os:system", "14 call os:system ()"}, ""},
		{"newobj_ex", "\x80\x04cos\nsystem\n)}\x92.",
			[]string{"2 global os:system dotted", "15 call os:system () **{}"}, ""},
		{"breaks after a call", "cos\nsystem\n)R\xff", []string{"0 global os:system", "12 call os:system ()"}, "no such opcode"},
		{"build on a name", "cnumpy\nsize\n}b.", []string{"0 global numpy:size", "13 build numpy:size {}"}, ""},
		{"setitem on a name", "cm\nd\nI1\nI2\ns.", []string{"0 global m:d", "11 setitems m:d (1, 2)"}, ""},
		{"dynamic", "\x80\x04ca\nb\n)R\x8c\x01x\x93.",
			[]string{"2 global a:b dotted", "8 call a:b ()", `12 dynamic a:b() "x"`}, ""},
		{"extension", "\x80\x02\x82\x05.", []string{"2 extension 5"}, ""},
		{"persistent", "Pabc\n(I1\ntQ.", []string{`0 persistent "abc"`, "10 persistent (1)"}, ""},
		{"unterminated name", "cos\nsystemx", []string{"0 global os:system by py3+c2+py2"}, "ends"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, rep := told(t, c.pickle, Options{})
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("events:\n got %q\nwant %q", got, c.want)
			}
			err := rep.Err(Python3)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}
