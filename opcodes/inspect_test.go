package opcodes

import (
	"fmt"
	"strings"
	"testing"
)

// valueOf runs a stream that makes one value and gives it to look.
func valueOf(t *testing.T, data string, look func(m *Machine, v Value)) {
	t.Helper()
	looked := false
	_, rep := told(t, data+"\x85Q.", Options{Handler: func(m *Machine, e *Event) {
		if e.Kind == EvPersistent {
			looked = true
			look(m, m.Items(e.Args)[0])
		}
	}})
	if !looked {
		t.Errorf("%q: %v", data, rep.Err(All))
	}
}

func TestLiterals(t *testing.T) {
	for data, want := range map[string]string{
		"K\xff": "int 255", "M\x01\x02": "int 513", "J\xff\xff\xff\xff": "int -1", "I010\n": "int 8", "I0x1f\n": "int 31",
		"L-5L\n": "int -5", "L1_0\n": "int 10", "\x8a\x01\x80": "int -128", "\x8a\x02\x80\x00": "int 128", "\x8a\x00": "int 0",
		"\x8a\x09123456789": "int none", "I01\n": "True 1", "I00\n": "False 0", "\x88": "True 1", "N": "None none",
		"F1e400\n": "float +Inf", "F1_0.5\n": "float 10.5", "G\x3f\xf8\x00\x00\x00\x00\x00\x00": "float 1.5",
		`S'a\x41\101\n\q'` + "\n": `str8 "aAA\n\\q"`, "S''\n": `str8 ""`, "T\x02\x00\x00\x00\xff\x00": `str8 "\xff\x00"`, "U\x01a": `str8 "a"`,
		"V\\u0041\\\\u0041\xe9\n": `str "A\\\\u0041é"`, "V\\ud800\n": `str "\xed\xa0\x80"`, "X\x01\x00\x00\x00a": `str "a"`,
		"\x8c\x00": `str ""`, "C\x01z": "bytes z at 2", "\x8e\x02\x00\x00\x00\x00\x00\x00\x00xy": "bytes xy at 9",
	} {
		valueOf(t, data, func(m *Machine, v Value) {
			got := v.Kind().String() + " "
			switch v.Kind() {
			case KindFloat:
				f, _ := m.Float(v)
				got += fmt.Sprint(f)
			case KindStr, KindStr8:
				s, ok := m.Str(v)
				got += fmt.Sprintf("%q", s) + strings.Repeat(" not ok", btoi(!ok))
			case KindBytes:
				b, _ := m.Data(v, 100)
				off, n, ok := m.Place(v)
				got += fmt.Sprintf("%s at %d", b, off) + strings.Repeat(" not ok", btoi(!ok || n != int64(len(b))))
			default:
				x, ok := m.Int(v)
				if got += "none"; ok {
					got = strings.TrimSuffix(got, "none") + fmt.Sprint(x)
				}
			}
			if got != want {
				t.Errorf("%q: %s, want %s", data, got, want)
			}
		})
	}
}

func TestIs(t *testing.T) {
	long := strings.Repeat("x", 300)
	for data, want := range map[string]string{
		"\x8c\x03abc": "abc", "S'a\\x41'\n": "aA", "V\\u0041b\n": "Ab", "C\x02xy": "xy", "\x8c\x00": "",
		"X\x2c\x01\x00\x00" + long: long,
	} {
		// What is far behind is read again.
		for _, between := range []string{"", strings.Repeat("N0", 3*lookahead)} {
			looked := false
			in := data + "\x85" + between + "Q."
			Run(strings.NewReader(in), int64(len(in)), Options{window: lookahead, Handler: func(m *Machine, e *Event) {
				looked = true
				v := m.Items(e.Args)[0]
				if !m.Is(v, want) || m.Is(v, want+"x") || len(want) > 0 && (m.Is(v, want[1:]) || m.Is(v, "y"+want[1:])) || m.Is(e.Args, want) {
					t.Errorf("%q is not %q alone", data, want)
				}
			}})
			if !looked {
				t.Errorf("%q was not run", in)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestContainersAreKeptUpTo(t *testing.T) {
	many := "](" + strings.Repeat("N", KeptItems+1) + "e"
	valueOf(t, many, func(m *Machine, v Value) {
		if m.Len(v) != KeptItems+1 || len(m.Items(v)) != KeptItems || m.Whole(v) {
			t.Errorf("%d items, %d kept, whole %v", m.Len(v), len(m.Items(v)), m.Whole(v))
		}
	})
	valueOf(t, "}(U\x01aK\x01U\x01bK\x02U\x01aK\x03u", func(m *Machine, v Value) {
		a, ok := m.Get(v, "a")
		if x, _ := m.Int(a); !ok || x != 3 {
			t.Errorf("the key set twice is %d, %v", x, ok)
		}
		if _, ok := m.Get(v, "c"); ok {
			t.Error("a key that is not there")
		}
	})
}

func TestContents(t *testing.T) {
	data := "\x80\x02cm\nf\n)Rq\x00(K\x01K\x02K\x03K\x04u}K\x05K\x06sb(" + strings.Repeat("N", 100) + "l\x86."
	opt := Options{Contents: true}
	var machine *Machine
	opt.Handler = func(m *Machine, e *Event) { machine = m }
	_, rep := told(t, data, opt)
	top := machine.Items(rep.Outcomes[0].Value)
	if len(top) != 2 || len(machine.Items(top[1])) != 100 || !machine.Whole(top[1]) {
		t.Fatalf("top %v", top)
	}
	var got []string
	for _, a := range machine.Attached(top[0]) {
		got = append(got, a.Kind.String()+machine.Render(a.Args, 100))
	}
	if fmt.Sprint(got) != "[setitems(1, 2, 3, 4) build{5: 6}]" {
		t.Errorf("attached %q", got)
	}
}

// TestJoblib has raw bytes between opcodes, which the Joblib reading skips and no other.
func TestJoblib(t *testing.T) {
	head := "\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b"
	data := head + "cos\nsystem\n.Kxcre\nfoo\n."
	opt := Options{Readings: Python3 | Joblib, Handler: func(m *Machine, e *Event) {
		if e.Kind == EvBuild {
			if e.Data != int64(len(head)) {
				t.Errorf("data begin at %d, want %d", e.Data, len(head))
			}
			e.Skip = int64(len("cos\nsystem\n.Kx"))
		}
	}}
	events, rep := told(t, data, opt)
	all := strings.Join(events, "\n")
	for _, want := range []string{"global os:system", "reading  by joblib", "global re:foo by joblib"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if !rep.Loads(Joblib) || !rep.Loads(Python3) {
		t.Error(rep.Outcomes)
	}
	opt.Handler = func(m *Machine, e *Event) { e.Skip = int64(len(data)) }
	if _, rep := told(t, data, opt); rep.Err(Joblib) == nil || !rep.Loads(Python3) {
		t.Error("more raw bytes than there are:", rep.Outcomes)
	}
}

// TestFrameThatCutsAnArgument is where a C unpickler on a file reads another name than one on bytes.
func TestFrameThatCutsAnArgument(t *testing.T) {
	data := "\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00" + "\x8c\x02os" + "\x8c\x06" + "system" + "\x93."
	events, _ := told(t, data, Options{})
	if fmt.Sprint(events) != "[23 global os:system dotted]" {
		t.Errorf("a frame that ends before an argument: %q", events)
	}
	cut := strings.Replace(data, "\x95\x06", "\x95\x09", 1)
	cut = strings.Replace(cut, "system\x93.", "sysREDUCE\x93.", 1)
	events, _ = told(t, cut, Options{})
	all := strings.Join(events, "\n")
	if !strings.Contains(all, "os:REDUCE") || !strings.Contains(all, "by cfile") {
		t.Errorf("what CFile reads is missing:\n%s", all)
	}
}

// Kept is Items and Whole in one, whatever the container and however much of it is kept.
func TestKept(t *testing.T) {
	var streams []string
	for _, n := range []int{0, 1, 2, KeptItems - 1, KeptItems, KeptItems + 1, 3 * KeptItems} {
		items := strings.Repeat("K\x01", n)
		streams = append(streams, "]("+items+"e", "("+items+"t", "("+items+items+"d", "}("+items+items+"u", "\x8f("+items+"\x90", "("+items+"\x91")
	}
	streams = append(streams, "K\x01", "N", ")", "}K\x01K\x02s", "}K\x01K\x02sK\x03K\x04s")
	for _, data := range streams {
		valueOf(t, data, func(m *Machine, v Value) {
			items, whole := m.Kept(v)
			if want := m.Items(v); fmt.Sprint(items) != fmt.Sprint(want) || whole != m.Whole(v) {
				t.Errorf("%q: %v %v; want %v %v", data, items, whole, want, m.Whole(v))
			}
		})
	}
}
