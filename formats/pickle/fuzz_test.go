package pickle

import (
	"reflect"
	"strings"
	"testing"

	"trustfs/formats"
)

// samples are streams that together reach every judgement.
func samples() []string {
	f8 := dtypeBuilt("f8", "N", "N", "N", -1, 0)
	obj := dtypeBuilt("O8", "N", "N", "N", -1, 63)
	lin := newobj(g("torch.nn.modules.linear", "Linear"))
	return []string{
		load(reduce(g("posix", "system"), str("id"))),
		"cos\nsystem\n(S'id'\ntR.",
		"(S'id'\nios\nsystem\n.",
		"\x80\x04" + reduce(g("builtins", "str"), str("os")) + "\x8c\x06system\x93.",
		load(wrapper(f8, tuple("K\x02"), "K\x10") + "\x00" + strings.Repeat("\x00\xff", 8)),
		load(wrapper(obj, tuple("K\x02"), "") + load("]")),
		load(dtypeBuilt("V16", tuple(f8, tuple("K\x02")), tuple(str("a")), dict(str("a"), tuple(obj, "K\x08")), 16, 63)),
		load(lin + dict(str("a"), reduce(g("builtins", "getattr"), lin, str("forward"))) + "b"),
		load(reduce(g("functools", "partial"), g("builtins", "list")) + tuple(g("builtins", "list"), ")", "}", "N") + "b)R"),
		load(tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03") + "Q"),
		load(reduce(g("torch.storage", "_load_from_bytes"), reduce(g("_codecs", "encode"), str(asText(load("N"))), str("latin1")))),
		torchMagic + load("M\xe9\x03") + load("}") + load(od) + load("]"),
		load("N") + strings.Repeat("\x00", 40) + load(reduce(g("os", "system"))) + "rest",
		load(newobj(g("argparse", "Namespace")) + str("__setstate__") + "Ns\x82\x01"),
	}
}

func smallContext() *formats.Context {
	c := newContext(allPresets()...)
	c.Budget.Opcodes, c.Budget.MemoEntries, c.Budget.StringBytes = smallOpcodes, 100_000, 1<<20
	return c
}

func inspectSmall(data string) formats.Result {
	c, s := smallContext(), source(data)
	Inspector{}.Detect(c, s)
	Inspector{}.Inspect(c, s)
	return c.Result
}

func FuzzInspect(f *testing.F) {
	seeds := samples()
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		r := inspectSmall(data)
		if again := inspectSmall(data); !reflect.DeepEqual(r, again) {
			t.Fatalf("two results for %q:\n%+v\n%+v", data, r, again)
		}
		for _, found := range r.Findings {
			if found.Rule == "" || found.Detail == "" || len(found.Detail) > formats.MaxDetail {
				t.Fatalf("a finding without words, or too many: %+v", found)
			}
		}
		if len(r.Facts.Calls) > formats.MaxCalls || len(r.Facts.Globals) > formats.MaxGlobals {
			t.Fatal("facts beyond their bounds")
		}
	})
}
