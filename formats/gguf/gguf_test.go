package gguf

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

// builder writes a GGUF; its fields are the lies to tell.
type builder struct {
	order        binary.AppendByteOrder
	version      uint32
	kvs, tensors [][]byte
	kvCount      int // added to the true count
	tensorCount  int
	alignment    int
	data         int
}

func newBuilder() *builder { return &builder{order: binary.LittleEndian, version: 3, alignment: 32} }

func (b *builder) count(n int) []byte {
	if b.version == 1 {
		return b.order.AppendUint32(nil, uint32(n))
	}
	return b.order.AppendUint64(nil, uint64(n))
}

func (b *builder) u32(n uint32) []byte { return b.order.AppendUint32(nil, n) }
func (b *builder) str(s string) []byte { return append(b.count(len(s)), s...) }

func (b *builder) kv(key string, kind uint32, value ...[]byte) *builder {
	b.kvs = append(b.kvs, bytes.Join(append([][]byte{b.str(key), b.u32(kind)}, value...), nil))
	return b
}

func (b *builder) text(key, value string) *builder { return b.kv(key, typeString, b.str(value)) }

func (b *builder) tensor(name string, kind uint32, offset uint64, dims ...uint64) *builder {
	t := append(b.str(name), b.u32(uint32(len(dims)))...)
	for _, d := range dims {
		if b.version == 1 {
			t = b.order.AppendUint32(t, uint32(d))
		} else {
			t = b.order.AppendUint64(t, d)
		}
	}
	t = b.order.AppendUint64(append(t, b.u32(kind)...), offset)
	b.tensors = append(b.tensors, t)
	return b
}

func (b *builder) size(n int) *builder { b.data = n; return b }

func (b *builder) bytes() []byte {
	out := append([]byte(magic), b.u32(b.version)...)
	out = append(out, b.count(len(b.tensors)+b.tensorCount)...)
	out = append(out, b.count(len(b.kvs)+b.kvCount)...)
	out = append(out, bytes.Join(append(b.kvs, b.tensors...), nil)...)
	if b.data > 0 {
		out = append(out, make([]byte, (b.alignment-len(out)%b.alignment)%b.alignment+b.data)...)
	}
	return out
}

func good() *builder {
	b := newBuilder()
	return b.text("general.architecture", "llama").
		kv("tokenizer.ggml.tokens", typeArray, b.u32(typeString), b.count(2), b.str("a"), b.str("b")).
		kv("x.flag", typeBool, []byte{1}).
		kv("x.floats", typeArray, b.u32(6), b.count(3), make([]byte, 12)).
		text("tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}").
		tensor("a.weight", 0, 0, 2, 3).tensor("b.weight", 12, 32, 256, 2).size(32 + 288)
}

func TestGood(t *testing.T) {
	for name, b := range map[string]*builder{
		"little":       good(),
		"no tensors":   newBuilder().text("general.architecture", "bert"),
		"padded":       newBuilder().text("general.architecture", "bert").size(0),
		"no dims":      newBuilder().tensor("a", 0, 0).size(4),
		"no elements":  newBuilder().tensor("a", 0, 0, 0).tensor("b", 0, 0, 1).size(4),
		"alignment 64": func() *builder { b := newBuilder(); b.alignment = 64; return b.kv("general.alignment", 4, b.u32(64)) }().tensor("a", 0, 0, 1).tensor("b", 0, 64, 1).size(128),
	} {
		t.Run(name, func(t *testing.T) { inspecttest.Expect(t, Inspector{}, b.bytes(), "") })
	}
	for _, v := range []uint32{1, 2} {
		b := newBuilder()
		b.version = v
		inspecttest.Expect(t, Inspector{}, b.text("k", "v").tensor("a", 0, 0, 8).size(32).bytes(), "")
	}
	big := newBuilder()
	big.order = binary.BigEndian
	r := inspecttest.Expect(t, Inspector{}, big.text("general.architecture", "llama").tensor("a", 1, 0, 16).size(32).bytes(), "")
	if f := r.Facts; f.Extra["byte_order"] != "big" || f.Tensors != 1 || f.Parameters != 16 {
		t.Errorf("facts %+v", f)
	}
}

func TestFacts(t *testing.T) {
	f := inspecttest.Expect(t, Inspector{}, good().bytes(), "").Facts
	if f.Tensors != 2 || f.Parameters != 6+512 || strings.Join(f.Dtypes, " ") != "F32 Q4_K" ||
		f.Extra["general.architecture"] != "llama" || len(f.Extra["chat_template_sha256"]) != 64 {
		t.Errorf("facts %+v", f)
	}
}

func TestBad(t *testing.T) {
	nb := newBuilder
	u64 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	u32 := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	lie := func(b *builder, kvs, tensors int) *builder { b.kvCount, b.tensorCount = kvs, tensors; return b }
	ver := func(v uint32) *builder { b := nb(); b.version = v; return b }
	const bad = formats.RuleFormatMalformed
	tests := map[string]struct {
		b    *builder
		want string
	}{
		"version 0":            {ver(0), bad},
		"version 4":            {ver(4), bad},
		"too many keys":        {lie(nb(), 1, 0), bad},
		"negative keys":        {lie(nb(), -1, 0), bad},
		"negative tensors":     {lie(nb(), 0, -1), bad},
		"too many tensors":     {lie(good(), 0, 1<<40), bad},
		"duplicate key":        {nb().text("a", "").text("a", ""), bad},
		"unknown type":         {nb().kv("a", 13, u64(0)), bad},
		"boolean 2":            {nb().kv("a", typeBool, []byte{2}), bad},
		"long key":             {nb().text(strings.Repeat("k", maxKey+1), ""), bad},
		"string length":        {nb().kv("a", typeString, u64(1<<63)), bad},
		"array of arrays":      {nb().kv("a", typeArray, u32(typeArray), u64(1)), bad},
		"array count":          {nb().kv("a", typeArray, u32(4), u64(1<<62)), bad},
		"string count":         {nb().kv("a", typeArray, u32(typeString), u64(1<<62)), bad},
		"array type":           {nb().kv("a", typeArray, u32(99), u64(1)), bad},
		"alignment 0":          {nb().kv("general.alignment", 4, u32(0)), bad},
		"alignment 33":         {nb().kv("general.alignment", 4, u32(33)), bad},
		"alignment of 8 bytes": {nb().kv("general.alignment", 10, u64(32)), bad},

		"duplicate tensor":  {nb().tensor("a", 0, 0, 8).tensor("a", 0, 32, 8).size(64), bad},
		"long name":         {nb().tensor(strings.Repeat("n", 64), 0, 0, 8).size(32), bad},
		"five dims":         {nb().tensor("a", 0, 0, 1, 1, 1, 1, 1).size(32), bad},
		"overflow":          {nb().tensor("a", 0, 0, 1<<32, 1<<32).size(32), bad},
		"overflow to zero":  {nb().tensor("a", 0, 0, 1<<62, 4).size(32), bad},
		"overflow of bytes": {nb().tensor("a", 0, 0, 1<<62).size(32), bad},
		"part of a block":   {nb().tensor("a", 2, 0, 33).size(64), bad},
		"outside":           {nb().tensor("a", 0, 0, 9).size(32), bad},
		"offset outside":    {nb().tensor("a", 0, 1<<62, 8).size(32), bad},
		"offset wraps":      {nb().tensor("a", 0, 1<<64-32, 8).size(32), bad},
		"unaligned":         {nb().tensor("a", 0, 4, 1).size(32), bad},
		"overlap":           {nb().tensor("a", 0, 0, 16).tensor("b", 0, 32, 8).size(64), bad},
		"hole":              {nb().tensor("a", 0, 0, 8).tensor("b", 0, 64, 8).size(96), bad},
		"hole first":        {nb().tensor("a", 0, 32, 8).size(64), bad},
		"appended":          {nb().tensor("a", 0, 0, 8).size(33), bad},
		"appended to keys":  {nb().text("a", "").size(1), bad},
		// Where one tensor's size is not known, no hole can be told, and the bounds of the others still hold.
		"unknown, overlap":     {nb().tensor("u", 99, 0, 8).tensor("a", 0, 32, 16).tensor("b", 0, 64, 8).size(96), formats.RuleDtypeUnsafe + " " + bad},
		"unknown, wraps":       {nb().tensor("u", 99, 0, 8).tensor("a", 0, 1<<64-32, 8).size(96), formats.RuleDtypeUnsafe + " " + bad},
		"unknown, gap":         {nb().tensor("u", 99, 0, 8).tensor("a", 0, 32, 8).size(64), formats.RuleDtypeUnsafe},
		"unknown tensor type":  {nb().tensor("a", 99, 0, 8).size(32), formats.RuleDtypeUnsafe},
		"removed tensor type":  {nb().tensor("a", 31, 0, 32).size(32), formats.RuleDtypeUnsafe},
		"template":             {nb().text("tokenizer.chat_template", "{{ x.__class__ }}"), formats.RuleTemplate},
		"named template":       {nb().text("tokenizer.chat_template.tool_use", "{{ x|attr('y') }}"), formats.RuleTemplate},
		"templates in a list":  {nb().kv("tokenizer.chat_templates", typeArray, u32(typeString), u64(1), nb().str("{{ cycler.x }}")), formats.RuleTemplate},
		"template beyond size": {nb().kv("tokenizer.chat_template", typeString, u64(1<<40)), bad + " " + formats.RuleLimitExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { inspecttest.Expect(t, Inspector{}, tt.b.bytes(), tt.want) })
	}
}

func TestMutations(t *testing.T) { inspecttest.Mutations(t, Inspector{}, good().bytes()) }

func FuzzInspect(f *testing.F) {
	b := newBuilder()
	b.version = 1
	inspecttest.Fuzz(f, Inspector{}, "x.gguf", good().bytes(), b.text("k", "v").tensor("a", 0, 0, 8).size(32).bytes())
}

// TestCorpus holds real files against the inspector: vocabularies and templates of known models have no findings.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TRUSTFS_CORPUS")
	if root == "" {
		t.Skip("TRUSTFS_CORPUS is not set: real GGUF files are NOT tested")
	}
	seen := 0
	err := filepath.WalkDir(filepath.Join(root, "public", "benign"), func(p string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(p, ".gguf") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		seen++
		t.Run(filepath.Base(p), func(t *testing.T) { inspecttest.Expect(t, Inspector{}, b, "") })
		return nil
	})
	if err != nil || seen == 0 {
		t.Errorf("%d files seen, %v", seen, err)
	}
}

func TestGGML(t *testing.T) {
	inspecttest.Expect(t, GGML{}, []byte("lmgg\x00\x00\x00\x00"), formats.RuleFormatUnknown)
	for _, b := range []string{"", "lmg", "GGUF", "ggml"} {
		if _, ok := inspecttest.Run(GGML{}, []byte(b)); ok {
			t.Errorf("%q is detected", b)
		}
	}
}
