package pickle

import (
	"strings"
	"testing"

	"trustfs/formats"
)

func TestDetect(t *testing.T) {
	texts := map[string]string{
		"prose":               "contributing to this project\nis easy. Read on.\nThe end.\n",
		"changelog":           "changelog\n\n1.0\n* first release.\n",
		"names that could be": "copyright\nnotice\nall rights reserved.\n",
		"words up to a STOP":  "code of conduct\nbe nice\n. And so on.\n",
		"comma separated":     "col1,col2\n1,2\n3,4\n",
		"csv of words":        "city\nParis\nOslo\n",
		"json":                `{"a": [1, 2, 3]}`,
		"json list":           "[1, 2]\n",
		"markdown":            "# Model card\n\nThis model is good.\n",
		"yaml":                "import: os\nname: x\n",
		"Python":              "import os\nos.system('id')\n",
		"parenthesis":         "(in German)\nto be done.\n",
		"abbreviation":        "N.B. This is a note.\nIt goes on.\n",
		"list in brackets":    "].\nsee below\n",
		"number":              "I am here.\n",
		"version":             "v1.0\n",
		"person":              "P. Smith\nJ. Doe\n",
		"string":              "Some text\nwith lines.\n",
		"empty":               "",
		"blank":               "   \n",
		"html":                "<html></html>",
		"zip":                 "PK\x03\x04\x14\x00\x00\x00\x08\x00abc\ncode\nrest\n",
		"zip of a class in P": "PK\x03\x04\x14\x00\x00\x00archive/data.pkl\x80\x02ctorch.nn\nParameterDict\nq\x00)\x81q\x01}q\x02(X\x01\x00\x00\x00aK\x01ub.",
		"elf":                 "\x7fELF\x02\x01\x01",
		"gguf":                "GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"vocabulary":          "cat\ndog\nbird\nReptile\n",
		"utf-16":              "\xff\xfec\x00o\x00s\x00\n\x00",
	}
	for name, text := range texts {
		if (Inspector{}).Detect(newContext(), source(text)) {
			t.Errorf("%s: ordinary text taken for a pickle", name)
		}
	}
	pickles := map[string]string{
		"PROTO":                        "\x80\x04N.",
		"PROTO, an opcode and rubbish": "\x80\x02N\xff",
		"data of protocol 0":           "(dp0\nS'a'\np1\nI1\ns.",
		"data and a line break":        "(lp0\nI1\na.\n",
		"call of protocol 0":           "cos\nsystem\n(S'id'\ntR.",
		"call that breaks":             "cos\nsystem\n(S'id'\ntR\xff",
		"dangerous name only":          "cos\nsystem\n",
		"call of an unknown name":      "cmymod\nNet\n)R#",
		"INST":                         "(imymod\nNet\n#",
		"behind a harmless stream":     "N.cos\nsystem\n(S'id'\ntR.",
		"behind many":                  strings.Repeat("N.", 10) + "cmymod\nNet\n)R.",
		"extension after a name":       "cmymod\nNet\n\x82\x01.",
		"BUILD on a name":              "cnumpy\nsize\n}b#",
		"a long run of harmless bytes": strings.Repeat(")0", 200_000),
	}
	for name, text := range pickles {
		if !(Inspector{}).Detect(newContext(), source(text)) {
			t.Errorf("%s: not taken for a pickle", name)
		}
	}
}

// The import comes before the bytes break.
func TestDetectImports(t *testing.T) {
	tests := []struct {
		name, data string
		want       bool
	}{
		{"a.txt", "cevilpkg\nx\n0this is not a pickle any more\n", true},
		{"a.json", "cevilpkg.sub\nx\n(", true},
		{"a.txt", "cevilpkg\nx\n\x80\x04rest", true},
		{"a.txt", "cat\ncar\n", false},
		{"a.txt", "cat\ndog\nNew York\n", false},
		{"a.txt", "cat\ndog\ncow\ncup\n", false},
		{"a.txt", "cat\ndog\n-1\n", false},
		{"a.txt", "code of conduct\nbe nice\n(all of you)\n", false},
		{"a.txt", "co\nin\n(to\n. The\n", true}, // it imports a module, whatever it is meant to be
		{"a.pkl", "cevilpkg\nx\n", true},
		{"a.PTH", "cevilpkg\nx\nthis is no pickle", true},
		{"a.bin", "code of conduct\nbe nice\n", false},
		{"a.txt", "cevilpkg\nx\nthis is no pickle", false},
	}
	for _, tc := range tests {
		s := source(tc.data)
		s.Names = []string{tc.name}
		if got := (Inspector{}).Detect(newContext(), s); got != tc.want {
			t.Errorf("%s, %q: taken for a pickle: %v", tc.name, tc.data, got)
		}
	}
}

func TestRest(t *testing.T) {
	evil := load(reduce(g("os", "system"), str("id")))
	headless := "cos\nsystem\n(S'id'\ntR."
	tests := []struct {
		name, data string
		rules      []string
	}{
		{"nothing", load("N"), nil},
		{"stacked data", load("N") + load("K\x01"), nil},
		{"line break", load("N") + "\n", nil},
		{"padding", load("N") + strings.Repeat("\x00", 5000), nil},
		{"stacked payload", load("N") + evil, []string{formats.RuleGlobalDangerous, formats.RuleReduce}},
		{"headerless payload", load("N") + headless, []string{formats.RuleGlobalDangerous, formats.RuleReduce}},
		{"payload behind padding", load("N") + strings.Repeat("\x00", 5000) + evil, []string{formats.RuleGlobalDangerous, formats.RuleReduce}},
		{"rubbish", load("N") + "rubbish", []string{formats.RulePickleTrailing}},
		{"payload behind rubbish", load("N") + strings.Repeat("z", 100_000) + evil,
			[]string{formats.RulePickleTrailing, formats.RuleGlobalDangerous, formats.RuleReduce}},
		{"payload across windows", load("N") + strings.Repeat("z", scanWindow-len(load("N"))-1+len(load("N"))) + evil,
			[]string{formats.RulePickleTrailing, formats.RuleGlobalDangerous, formats.RuleReduce}},
		{"broken second", load("N") + "\x80\x02K", []string{formats.RulePickleMalformed, formats.RulePickleTrailing}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, f := range inspectText(tc.data).Findings {
				got = append(got, f.Rule)
			}
			if strings.Join(got, " ") != strings.Join(tc.rules, " ") {
				t.Errorf("found %v, want %v", got, tc.rules)
			}
		})
	}
}

func TestStreamsAndRest(t *testing.T) {
	data := load("N") + load("K\x01") + "raw bytes"
	c := newContext()
	out := Inspect(c, source(data), Options{Streams: 2, LeaveRest: true})
	if out.Streams != 2 || out.End != int64(len(data)-9) || len(c.Result.Findings) != 0 {
		t.Errorf("outcome %+v, findings %v", out, rulesOf(c.Result))
	}
	c = newContext()
	out = Inspect(c, source(data), Options{Streams: 3, LeaveRest: true})
	if out.Streams != 2 || out.Err == nil || !has(c.Result, formats.RulePickleMalformed) {
		t.Errorf("outcome %+v, findings %v, want a missing stream", out, rulesOf(c.Result))
	}
}

const torchMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

func TestTorchLegacy(t *testing.T) {
	head := torchMagic + load("M\xe9\x03") + load("}")
	file := head + load(od) + load("]") + "\x03\x00\x00\x00\x00\x00\x00\x00raw"
	if r := inspectText(file); len(r.Findings) != 0 {
		t.Errorf("found %q in a legacy torch file", rulesOf(r))
	}
	if r := inspectText(head + load(reduce(g("os", "system"), str("id"))) + load("]")); !has(r, formats.RuleGlobalDangerous) {
		t.Errorf("found %q in a hostile one", rulesOf(r))
	}
	for _, magic := range []string{"\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00" + torchMagic[2:], string(magicText)} { // protocols 4 and 1
		if r := inspectText(magic + strings.TrimPrefix(file, torchMagic)); len(r.Findings) != 0 {
			t.Errorf("found %q behind %q", rulesOf(r), magic)
		}
	}
}

func TestBudgets(t *testing.T) {
	for name, spend := range map[string]func(*formats.Budget){
		"opcodes": func(b *formats.Budget) { b.Opcodes = 5 },
		"entries": func(b *formats.Budget) { b.MemoEntries = 3 },
		"strings": func(b *formats.Budget) { b.StringBytes = 4 },
		"nothing": func(b *formats.Budget) { b.Opcodes = 0 },
	} {
		c := newContext()
		spend(&c.Budget)
		Inspector{}.Inspect(c, source(load(strings.Repeat("N", 20)+strings.Repeat(g("collections", "OrderedDict"), 2))))
		if !has(c.Result, formats.RuleLimitExceeded) || !c.Stopped() {
			t.Errorf("%s: found %q", name, rulesOf(c.Result))
		}
	}
	c := newContext()
	before := c.Budget.Opcodes
	Inspector{}.Inspect(c, source(load("N")))
	if c.Budget.Opcodes != before-3 {
		t.Errorf("%d opcodes charged, want 3", before-c.Budget.Opcodes)
	}
}

// Work that a short stream can ask for again and again is done once, or charged.
func TestRepeatedWork(t *testing.T) {
	inspected := 0
	c := newContext()
	c.Nested = func(*formats.Context, *formats.Source) { inspected++ }
	enc := reduce(g("_codecs", "encode"), str("N."), str("latin1"))
	body := enc + "q\x000" + strings.Repeat(g("torch.storage", "_load_from_bytes")+"(h\x00tR0", 50)
	Inspector{}.Inspect(c, source(load(body+"N")))
	if inspected != 1 || len(c.Result.Findings) != 0 {
		t.Errorf("inspected %d times, findings %q", inspected, rulesOf(c.Result))
	}

	c = newContext()
	c.Budget.Opcodes = 20_000
	many := "("
	for range 1000 {
		many += str("attribute") + "N"
	}
	body = many + "dq\x000" + strings.Repeat(newobj(g("argparse", "Namespace"))+"h\x00b0", 100)
	Inspector{}.Inspect(c, source(load(body+"N")))
	if !has(c.Result, formats.RuleLimitExceeded) {
		t.Errorf("a hundred looks at a thousand attributes cost nothing: %q", rulesOf(c.Result))
	}

	c = newContext()
	Inspector{}.Inspect(c, source(load("N")+"rest"+strings.Repeat("\x80\x02", maxProbes+1)))
	if !has(c.Result, formats.RuleLimitExceeded) {
		t.Errorf("any number of places was tried: %q", rulesOf(c.Result))
	}
}

func TestManyNames(t *testing.T) {
	var b strings.Builder
	for i := range formats.MaxGlobals + 1 {
		b.WriteString("cm\nn" + string(rune('a'+i%26)) + strings.Repeat("x", i/26%100) + strings.Repeat("y", i/2600) + "\n0")
	}
	r := inspectText(load(b.String() + "N"))
	if !has(r, formats.RuleLimitExceeded) || len(r.Facts.Globals) > formats.MaxGlobals || len(r.Findings) > formats.MaxFindings+1 {
		t.Errorf("%d globals, %d findings", len(r.Facts.Globals), len(r.Findings))
	}
}

// The length of a safetensors header can look like PROTO; no reader of pickles gets further than that.
func TestProtoAloneIsNoPickle(t *testing.T) {
	for text, want := range map[string]bool{
		"\x80\x02\x00\x00\x00\x00\x00\x00{\"a\"": false,
		"\x80\x02N.":                             true,
		"\x80\x02":                               true,
	} {
		s := &formats.Source{R: strings.NewReader(text), Size: int64(len(text))}
		if got := (Inspector{}).Detect(&formats.Context{Budget: formats.DefaultBudget()}, s); got != want {
			t.Errorf("%q: %v, expected %v", text, got, want)
		}
	}
}
