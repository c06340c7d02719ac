package torch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/archive/archivetest"
	"trustfs/formats/pickle"
)

// attack is a pickle that runs a command.
const attack = "\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."

// textAttack is the same in protocol 0.
const textAttack = "cposix\nsystem\n(S'id'\ntR."

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func num(n int) string {
	return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(int32(n))))
}

// tensor is the part of a pickle that rebuilds a one-dimensional tensor, as torch writes it.
func tensor(key, class string, numel, offset, n, stride int) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + class + "\n" + text(key) + text("cpu") + num(numel) + "tQ" +
		num(offset) + num(n) + "\x85" + num(stride) + "\x85\x89ccollections\nOrderedDict\n)RtR"
}

// legacyTensor's persistent ids have a sixth item.
func legacyTensor(key, class string, numel int) string {
	return strings.Replace(tensor(key, class, numel, 0, numel, 1), "tQ", "NtQ", 1)
}

func dictOf(items ...string) string {
	b := "\x80\x02}("
	for i, item := range items {
		b += text(fmt.Sprint("t", i)) + item
	}
	return b + "u."
}

type member = archivetest.File

func torchZip(pkl string, more ...member) []byte {
	files := append([]member{{Name: "m/data.pkl", Data: []byte(pkl), Descriptor: true}}, more...)
	return archivetest.Zip{Files: append(files, member{Name: "m/version", Data: []byte("3\n")}), Zip64: true}.Bytes()
}

// inspect runs the zip and legacy inspectors, with the pickle inspector for members.
func inspect(b []byte) (*formats.Context, *archivetest.Recorder) {
	r := &archivetest.Recorder{}
	c := r.Context()
	record := c.Nested
	c.Nested = func(c *formats.Context, s *formats.Source) {
		record(c, s)
		if p := (pickle.Inspector{}); p.Detect(c, s) {
			p.Inspect(c, s)
		}
	}
	for _, i := range []formats.Inspector{archive.Inspector{Flavors: []archive.Flavor{Zip{}}}, Legacy{}} {
		if s := archivetest.Source(b); i.Detect(c, s) {
			i.Inspect(c, s)
		}
	}
	return c, r
}

func expect(t *testing.T, c *formats.Context, rules []string, says string) {
	t.Helper()
	if got := archivetest.Rules(c); !slices.Equal(got, append([]string{}, rules...)) {
		t.Errorf("found %v, want %v: %v", got, rules, c.Result.Findings)
	}
	if says != "" && !slices.ContainsFunc(c.Result.Findings, func(f formats.Finding) bool { return strings.Contains(f.Detail, says) }) {
		t.Errorf("no finding says %q: %v", says, c.Result.Findings)
	}
}

var (
	malformed = []string{formats.RuleFormatMalformed}
	dangerous = []string{formats.RuleGlobalDangerous, formats.RuleReduce}
)

func TestZip(t *testing.T) {
	four := dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1))
	zeros := bytes.Repeat([]byte{0}, 16)
	data := func(b []byte) member { return member{Name: "m/data/0", Data: b, Descriptor: true} }
	for _, tt := range []struct {
		name  string
		data  []byte
		rules []string
		says  string
	}{
		{"state dict", torchZip(four, data(zeros)), nil, ""},
		{"half", torchZip(dictOf(tensor("0", "HalfStorage", 8, 2, 3, 2)), data(zeros)), nil, ""},
		{"untyped", torchZip(strings.ReplaceAll(four, "ctorch\nFloatStorage\n"+text("0")+text("cpu")+num(4), "ctorch.storage\nUntypedStorage\n"+text("0")+text("cpu")+num(16)), data(zeros)), nil, ""},
		{"empty tensor", torchZip(dictOf(tensor("0", "FloatStorage", 0, 0, 0, 1)), member{Name: "m/data/0"}), nil, ""},
		{"two views of one storage", torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 2, 1), tensor("0", "FloatStorage", 4, 2, 2, 1)), data(zeros)), nil, ""},
		{"attack in data.pkl", torchZip(attack), dangerous, "posix.system"},
		{"attack in DATA.PKL", archivetest.Zip{Files: []member{{Name: "m/DATA.PKL", Data: []byte(attack)}}}.Bytes(), dangerous, "posix.system"},
		{"attack beside", torchZip(four, data(zeros), member{Name: "m/extra.bin", Data: []byte(attack)}), dangerous, "posix.system"},
		{"attack in an unreferenced storage", torchZip(four, data(zeros), member{Name: "m/data/1", Data: []byte(attack)}), dangerous, "posix.system"},
		{"attack in a referenced storage", torchZip(dictOf(tensor("0", "ByteStorage", len(attack), 0, 1, 1)), data([]byte(attack))), []string{formats.RuleGlobalDangerous}, "posix.system"},
		{"attack without PROTO in a referenced storage", torchZip(dictOf(tensor("0", "ByteStorage", len(textAttack), 0, 1, 1)), data([]byte(textAttack))), []string{formats.RuleGlobalDangerous}, "posix.system"},
		{"attack in a storage of the wrong size", torchZip(four, data([]byte(attack))), []string{formats.RuleFormatMalformed, formats.RuleGlobalDangerous, formats.RuleReduce}, ""},
		{"storage too short", torchZip(four, data(zeros[:12])), malformed, "need 16"},
		{"storage missing", torchZip(four), malformed, "not in the archive"},
		{"view behind the storage", torchZip(dictOf(tensor("0", "FloatStorage", 4, 1, 4, 1)), data(zeros)), malformed, "outside"},
		{"stride behind the storage", torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 2, 4)), data(zeros)), malformed, "outside"},
		{"negative offset", torchZip(dictOf(tensor("0", "FloatStorage", 4, -1, 1, 1)), data(zeros)), malformed, "negative offset"},
		{"negative stride", torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 4, -1)), data(zeros)), malformed, "from zero on"},
		{"two sizes of one storage", torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1), tensor("0", "FloatStorage", 2, 0, 2, 1)), data(zeros)), malformed, "of 2 elements"},
		{"empty data.pkl", archivetest.Zip{Files: []member{{Name: "m/data.pkl"}}}.Bytes(), []string{formats.RulePickleMalformed}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inspect(tt.data)
			expect(t, c, tt.rules, tt.says)
			if c.Result.Format != formats.FormatPytorchZip {
				t.Errorf("format %q", c.Result.Format)
			}
		})
	}
}

// A referenced storage of the right size is never handed out for inspection: that is what makes a gigabyte cheap.
func TestStoragesAreNotRead(t *testing.T) {
	_, r := inspect(torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1)), member{Name: "m/data/0", Data: make([]byte, 16)}))
	if _, ok := r.Members["m/data/0"]; ok {
		t.Error("the storage was inspected")
	}
}

// counting counts the bytes that are read.
type counting struct {
	r io.ReaderAt
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// The work grows with the number of tensors and not with their size.
func TestLargeStoragesCostNothing(t *testing.T) {
	b := torchZip(dictOf(tensor("0", "FloatStorage", 8<<20, 0, 8<<20, 1)), member{Name: "m/data/0", Data: make([]byte, 32<<20), Descriptor: true})
	in := &counting{r: bytes.NewReader(b)}
	c := (&archivetest.Recorder{}).Context()
	c.Nested = func(*formats.Context, *formats.Source) {}
	archive.Inspector{Flavors: []archive.Flavor{Zip{}}}.Inspect(c, &formats.Source{R: in, Size: int64(len(b))})
	expect(t, c, nil, "")
	if in.n > 1<<20 {
		t.Errorf("%d bytes read of a file of %d", in.n, len(b))
	}
}

// A budget that ends while a pickle is judged ends the whole analysis.
func TestBudgetEndsTheAnalysis(t *testing.T) {
	c := (&archivetest.Recorder{}).Context()
	c.Budget.Opcodes = 5
	archive.Inspector{Flavors: []archive.Flavor{Zip{}}}.Inspect(c, archivetest.Source(torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1)))))
	if !c.Stopped() || !slices.Contains(archivetest.Rules(c), formats.RuleLimitExceeded) {
		t.Errorf("stopped %v, findings %v", c.Stopped(), c.Result.Findings)
	}
}

// Storages are remembered up to a bound, which refuses the file.
func TestStoragesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("\x80\x02](")
	for n := range maxStorages + 1 {
		b.WriteString("(" + text("storage") + "ctorch\nByteStorage\n" + text(fmt.Sprint(n)) + text("cpu") + "K\x00NtQ")
	}
	c, _ := inspect([]byte(legacyHead + b.String() + "e." + "\x80\x02]."))
	if !c.Stopped() || !slices.Contains(archivetest.Rules(c), formats.RuleLimitExceeded) {
		t.Errorf("stopped %v, findings %v", c.Stopped(), archivetest.Rules(c))
	}
}

func TestFacts(t *testing.T) {
	c, _ := inspect(torchZip(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1), tensor("0", "FloatStorage", 4, 1, 2, 1)), member{Name: "m/data/0", Data: make([]byte, 16)}))
	f := c.Result.Facts
	if f.Tensors != 2 || f.Parameters != 6 || !slices.Equal(f.Dtypes, []string{"float32"}) {
		t.Errorf("facts %+v", f)
	}
}

func TestScriptArchives(t *testing.T) {
	script := func(code string) []byte {
		return torchZip("\x80\x02c__torch__.m\nNet\n)\x81.", member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}, member{Name: "m/code/__torch__/m.py", Data: []byte(code), Method: 8})
	}
	const class = "class Net(Module):\n  def forward(self: __torch__.m.Net,\n    x: Tensor) -> Tensor:\n"
	torchscript := []string{formats.RuleTorchScriptCode}
	for _, tt := range []struct {
		name, code string
		rules      []string
	}{
		{"ordinary", class + "    return torch.add(ops.quantized.linear(x, 1), torch.saved_tensors(x))\n", nil},
		{"quantized class", class + "    _0 : __torch__.torch.classes.quantized.LinearPackedParamsBase\n", nil},
		{"save", class + "    torch.save(x, \"/tmp/x\")\n", torchscript},
		{"save, spread out", class + "    _0 = torch  # why\n  .  \\\n save(x)\n", torchscript},
		{"save behind a string", class + "    x = \"\"\"\n\"\"\"; torch.save(x, \"#\")\n", torchscript},
		{"module by another name", class + "    t = torch\n    t.save(x)\n", torchscript},
		{"module handed on", class + "    getattr(torch, \"save\")(x)\n", torchscript},
		{"ops.aten", class + "    ops.aten.from_file(\"/etc/passwd\", True, 8)\n", torchscript},
		{"torchvision's files", class + "    ops.image.read_file(\"/etc/passwd\")\n", torchscript},
		{"a library's operator", class + "    ops.mylib.run(x)\n", []string{formats.RuleCustomOps}},
		{"a library's class", class + "    _0 : __torch__.torch.classes.mylib.Thing\n", []string{formats.RuleCustomOps}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inspect(script(tt.code))
			expect(t, c, tt.rules, "")
			if c.Result.Format != formats.FormatTorchScript {
				t.Errorf("format %q", c.Result.Format)
			}
		})
	}
	debug := member{Name: "m/code/__torch__/m.py.debug_pkl", Data: []byte("\x80\x02ctorch.jit._pickle\nbuild_intlist\n](K\x01e\x85R\x85.")}
	c, _ := inspect(torchZip("\x80\x02).", member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}, debug))
	expect(t, c, nil, "")
	debug.Data = []byte(attack)
	c, _ = inspect(torchZip("\x80\x02).", member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}, debug))
	expect(t, c, dangerous, "posix.system")
	c, _ = inspect(torchZip("\x80\x02c__torch__.m\nNet\n)\x81.")) // no script: the name is as unknown as any
	expect(t, c, []string{formats.RuleGlobalUnknown, formats.RuleReduce}, "__torch__")
	c, _ = inspect(torchZip(attack, member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}))
	expect(t, c, dangerous, "posix.system")
}

// launder is a pickle that passes an object through one of torch.jit._pickle's functions and then gives it a
// __setstate__: a list of the archive's members, or its code, must not make that a list of numbers.
const launder = "\x80\x02ctorch.jit._pickle\nbuild_intlist\nctorch.nn.modules.container\nParameterDict\n)\x81\x85R" +
	"X\x0c\x00\x00\x00__setstate__ctorch.storage\n_load_from_bytes\nsX\x01\x00\x00\x00xb."

func TestOnlyPythonsOwnTestMakesAScript(t *testing.T) {
	class := "\x80\x02c__torch__.m\nNet\n)\x81}b."
	unknown := []string{formats.RuleGlobalUnknown, formats.RuleReduce}
	constants := member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}
	code := member{Name: "m/code/x.py"}
	named := func(name string) member { return member{Name: name, Data: constants.Data} }
	for _, tt := range []struct {
		name   string
		object string
		beside []member
		rules  []string
		script bool
	}{
		{"a script", class, []member{constants, code}, nil, true},
		{"code alone", class, []member{code}, unknown, false},
		{"in capitals", class, []member{named("m/CONSTANTS.PKL"), code}, unknown, false},
		{"in a folder of the folder", class, []member{named("m/x/constants.pkl"), code}, unknown, false},
		{"in another folder", class, []member{named("n/constants.pkl"), code}, unknown, false},
		{"beside the folder", class, []member{named("constants.pkl"), code}, unknown, false},
		{"a member outside of the folder", class, []member{constants, {Name: "n/x"}}, unknown, false},
		{"another module", "\x80\x02c__torch__x\nNet\n)\x81}b.", []member{constants}, unknown, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inspect(torchZip(tt.object, tt.beside...))
			expect(t, c, tt.rules, "")
			if got := c.Result.Format == formats.FormatTorchScript; got != tt.script {
				t.Errorf("format %q", c.Result.Format)
			}
		})
	}
}

// TestScriptsExplainOnlyTheirClasses: what Python would import and call is judged in a script as anywhere.
func TestScriptsExplainOnlyTheirClasses(t *testing.T) {
	constants := member{Name: "m/constants.pkl", Data: []byte("\x80\x02).")}
	for name, object := range map[string]string{
		"laundered":       launder,
		"list of objects": "\x80\x02ctorch.jit._pickle\nbuild_intlist\ncmy.mod\nNet\n\x85R.",
	} {
		alone, _ := inspect(torchZip(object))
		if len(alone.Result.Findings) == 0 {
			t.Fatalf("%s: nothing found outside of a script", name)
		}
		script, _ := inspect(torchZip(object, constants))
		expect(t, script, archivetest.Rules(alone), "")
	}
	x := explanations{}
	for _, ok := range []bool{true, false, true} {
		x.note("rule", "place", ok)
	}
	if x[explanation{"rule", "place"}] {
		t.Error("a place is explained although one of its readings is not")
	}
}

func TestPackagesAndCompiledModels(t *testing.T) {
	pkg := archivetest.Zip{Files: []member{
		{Name: "p/.data/extern_modules", Data: []byte("torch\n")}, {Name: "p/net/model.pkl", Data: []byte(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1)))},
		{Name: "p/.data/0.storage", Data: make([]byte, 16)}, {Name: "p/net/code.py", Data: []byte("import os\n")},
	}}
	c, _ := inspect(pkg.Bytes())
	expect(t, c, []string{formats.RulePythonSource}, "torch.package")
	numbered := strings.Replace(dictOf(tensor("0", "FloatStorage", 4, 0, 4, 1)), text("0")+text("cpu"), num(0)+text("cpu"), 1)
	pkg.Files[1].Data = []byte(numbered) // torch.package's own keys are numbers
	c, r := inspect(pkg.Bytes())
	expect(t, c, []string{formats.RulePythonSource}, "torch.package")
	if _, read := r.Members["p/.data/0.storage"]; read || c.Result.Format != formats.FormatTorchPackage {
		t.Errorf("format %q, storage inspected: %v", c.Result.Format, read)
	}
	pt2 := archivetest.Zip{Files: []member{{Name: "p/archive_format", Data: []byte("pt2")}, {Name: "p/data/aotinductor/model/x.so", Data: []byte("\x7fELF")}}}
	c, _ = inspect(pt2.Bytes())
	expect(t, c, []string{formats.RuleNativeCode}, "loads with the model")
	if c.Result.Format != formats.FormatPT2 {
		t.Errorf("format %q", c.Result.Format)
	}
}

const legacyHead = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + "\x80\x02M\xe9\x03." + "\x80\x02}."

func legacy(object string, keys []string, storages string) []byte {
	list := "\x80\x02]("
	for _, k := range keys {
		list += text(k)
	}
	return []byte(legacyHead + object + list + "e." + storages)
}

func raw(numel int, data string) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(numel))) + data
}

func TestLegacy(t *testing.T) {
	two := dictOf(legacyTensor("10", "FloatStorage", 2), legacyTensor("9", "ByteStorage", 3))
	for _, tt := range []struct {
		name  string
		data  []byte
		rules []string
		says  string
	}{
		{"two storages, in order of their keys", legacy(two, []string{"10", "9"}, raw(2, "ffffFFFF")+raw(3, "bbb")), nil, ""},
		{"no storages", legacy(dictOf(), nil, ""), nil, ""},
		{"attack", legacy(attack, nil, ""), dangerous, "posix.system"},
		{"attack as a storage", legacy(dictOf(legacyTensor("0", "ByteStorage", len(attack))), []string{"0"}, raw(len(attack), attack)), []string{formats.RuleGlobalDangerous}, "posix.system"},
		{"attack behind", legacy(dictOf(), nil, attack), append([]string{}, formats.RuleGlobalDangerous, formats.RulePickleTrailing, formats.RuleReduce), "posix.system"},
		{"another number of elements", legacy(dictOf(legacyTensor("0", "ByteStorage", 3)), []string{"0"}, raw(2, "bbb")), []string{formats.RuleFormatMalformed, formats.RulePickleTrailing}, "2 elements here"},
		{"cut", legacy(dictOf(legacyTensor("0", "FloatStorage", 3)), []string{"0"}, raw(3, "ffff")), []string{formats.RuleFormatMalformed, formats.RulePickleTrailing}, "4 left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inspect(tt.data)
			expect(t, c, tt.rules, tt.says)
		})
	}
	for _, head := range []string{legacyHead, "\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "L119547037146038801333356L\n."} {
		if !IsLegacy(archivetest.Source([]byte(head))) {
			t.Errorf("%q not recognised", head)
		}
	}
	if IsLegacy(archivetest.Source([]byte("\x80\x02N."))) || IsLegacy(archivetest.Source(nil)) {
		t.Error("not every pickle is a torch file")
	}
}
