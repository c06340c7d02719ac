package views

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"trustfs/formats"
)

// What a stream changes after something was made of it is shown neither as it was nor as it became.
func TestChangedAfterwards(t *testing.T) {
	four := func(p *pickler, key string) *pickler { return p.tensor(key, 4, 0, []int64{4}, []int64{1}) }
	listed := func(shape, stride string) *pickler { // "]" and "e" make lists
		p := pickle().op("}").text("w").name("torch._utils", "_rebuild_tensor_v2").op("(").storage("FloatStorage", "0", 4).int(0)
		return p.op(shape).op(stride).op("\x89}tRs")
	}
	state := func(maker string, with func(p *pickler)) *pickler {
		p := pickle().op("}").text("w").name("torch._utils", maker).op("(")
		four(p, "0").op("\x89}")
		with(p)
		return p.op("tRs")
	}
	parameter := func(with func(p *pickler)) *pickler { return state("_rebuild_parameter_with_state", with) }
	typed := func(with func(p *pickler)) *pickler {
		p := pickle().op("}").text("w").name("torch._tensor", "_rebuild_from_type_v2").op("(").name("torch._utils", "_rebuild_parameter").name("torch.nn.parameter", "Parameter").op("(")
		four(p, "0").op("\x89}t")
		with(p)
		return p.op("tRs")
	}
	old := func(state string) *pickler { // Parameter before torch 0.4
		p := pickle().op("}").text("w").name("torch.nn.parameter", "Parameter").op("(")
		return four(p, "0").op("t\x81").op(state).op("bs")
	}
	ordered := func(change string) *pickler { // OrderedDict([[ "w", tensor ]]), as Python 2 has it
		p := pickle().name("collections", "OrderedDict").op("]q\x00]q\x01(").text("w")
		four(p, "0").op("ea\x85Rq\x02")
		return p.op(change).op("h\x02")
	}
	keys := func(one, other func(p *pickler)) *pickler {
		p := pickle().op("}")
		one(p)
		four(p, "0").op("s")
		other(p)
		return four(p, "1").op("s")
	}
	text := func(s string) func(p *pickler) { return func(p *pickler) { p.text(s) } }
	op := func(s string) func(p *pickler) { return func(p *pickler) { p.op(s) } }
	with := func(p *pickler, ops string) *pickler { return p.op(ops) }
	first := func() *pickler { p := pickle().op("}").text("w"); return four(p, "0") }
	for _, tt := range []struct {
		name   string
		stream *pickler
		reason string // "" where there is a view
	}{
		{"tuples", listed("K\x04\x85", "K\x01\x85"), ""},
		{"a list for the shape", listed("](K\x04e", "K\x01\x85"), "two tuples"},
		{"a list for the strides", listed("K\x04\x85", "](K\x01e"), "two tuples"},
		{"torch.Size of a tuple", listed("ctorch\nSize\nK\x04\x85\x85R", "K\x01\x85"), ""},
		{"torch.Size of a list", listed("ctorch\nSize\n](K\x04e\x85R", "K\x01\x85"), "two tuples"},

		{"an item of a tensor", with(first(), "K\x00K\x07ss"), "SETITEM on what torch._utils:_rebuild_tensor_v2 made"},
		{"an item of a tensor that shares the storage", four(four(pickle(), "0").op("K\x00K\x07s0}").text("w"), "0").op("s"), "SETITEM on what torch._utils"},
		{"a state of a tensor", with(first(), "}bs"), "BUILD on what torch._utils:_rebuild_tensor_v2 made"},
		{"an item of a storage", pickle().storage("FloatStorage", "0", 4).op("K\x00K\x07s0}").text("w").op("N").op("s"), "SETITEM on what the stream did not make"},

		{"pairs", ordered(""), ""},
		{"a pair that changes", ordered("h\x01K\x01Ns0"), "a list that changes"},
		{"another pair", ordered("h\x00]a0"), "a list that changes"},
		{"a mapping of a mapping", pickle().name("collections", "OrderedDict").name("collections", "OrderedDict").op(")R\x85R"), "whose items it copies"},

		{"two keys", keys(text("a"), text("b")), ""},
		{"a key twice", keys(text("1"), text("1")), ""},
		{"a number twice", keys(op("K\x01"), op("I1\n")), ""},
		{"a number and truth", keys(op("K\x01"), op("\x88")), ""},
		{"a number and its text", keys(op("K\x01"), text("1")), "two tensors have this name"},
		{"truth and the text of a number", keys(op("\x88"), text("1")), "two tensors have this name"},
		{"a tuple and its text", keys(op("K\x01\x85"), text("(1)")), "two tensors have this name"},

		{"a parameter with attributes", parameter(func(p *pickler) { p.op("}").text("tag").text("x").op("s") }), ""},
		{"a parameter without", parameter(func(p *pickler) { p.op("N") }), ""},
		{"a parameter with other data", parameter(func(p *pickler) { four(p.op("}").text("data"), "1").op("s") }), `attribute "data"`},
		{"a parameter with data of nothing", parameter(func(p *pickler) { p.op("}").text("data").op("Ns") }), `attribute "data"`},
		{"a parameter with a gradient", parameter(func(p *pickler) { p.op("}").text("grad").op("Ns") }), `attribute "grad"`},
		{"a parameter with another tensor", parameter(func(p *pickler) { four(p.op("}").text("scale"), "1").op("s") }), `attribute "scale"`},
		{"a parameter with other data in a slot", parameter(func(p *pickler) { four(p.op("(N}").text("data"), "1").op("st") }), `attribute "data"`},
		{"a parameter with a state from a call", parameter(func(p *pickler) { p.name("builtins", "dict").op(")R") }), "a state that is no dict"},
		{"a subclass with attributes", typed(func(p *pickler) { p.op("}").text("tag").text("x").op("s") }), ""},
		{"a subclass with other data", typed(func(p *pickler) { four(p.op("}").text("data"), "1").op("s") }), `attribute "data"`},

		{"an old parameter", old("(\x88\x89Nt"), ""},
		{"an old parameter with other data", old("(NNNNNt"), "BUILD on what torch.nn.parameter:Parameter made"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := build(torchOf(t, tt.stream.stop()))
			var l *LimitError
			switch {
			case tt.reason == "" && (err != nil || len(plan.Tensors) == 0):
				t.Errorf("no view: %v", err)
			case tt.reason != "" && (!errors.As(err, &l) || !strings.Contains(err.Error(), tt.reason)):
				t.Errorf("got %v, want a limit with %q", err, tt.reason)
			}
		})
	}
}

// The last of two equal keys counts, as in Python: 1, 1.0 and True are one.
func TestEqualKeys(t *testing.T) {
	p := pickle().op("}K\x01").tensor("0", 4, 0, []int64{4}, []int64{1}).op("sG?\xf0\x00\x00\x00\x00\x00\x00").tensor("1", 4, 0, []int64{2}, []int64{1})
	plan, err := build(torchOf(t, p.op("s").stop()))
	if err != nil || len(plan.Tensors) != 1 || plan.Tensors[0].Len != 8 || !bytes.Contains(plan.Header, []byte(`"1":`)) {
		t.Fatalf("%+v, %v", plan, err)
	}
}

// A source that gives no view is answered with the reason, whoever wrapped it: it is no fault of the worker.
func TestLimitsAreAnswers(t *testing.T) {
	for name, h := range everyHostile(t) {
		a, err := Answering(bytes.NewReader(h.source), int64(len(h.source)), KindTensors, func(io.ReaderAt, int64) formats.Result { return formats.Result{} })
		if err != nil || !strings.Contains(a.Limit, h.reason) {
			t.Errorf("%s: %q, %v", name, a.Limit, err)
		}
	}
}

// torch reads records below the folder of the archive's first member.
func TestFirstMembersFolder(t *testing.T) {
	of := func(first string) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, m := range []struct{ name, data string }{
			{first, "x"},
			{"a/data.pkl", string(dict("w", func(p *pickler) { p.tensor("0", 4, 0, []int64{4}, []int64{1}) }))},
			{"a/data/0", strings.Repeat("0", 16)},
		} {
			f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
			if err == nil {
				_, err = io.WriteString(f, m.data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if _, err := build(of("a/version")); err != nil {
		t.Error(err)
	}
	if _, err := build(of("z/version")); err == nil || !strings.Contains(err.Error(), "begins with") {
		t.Errorf("got %v", err)
	}
}
