package views

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// Every constructor that safetensors has no form for is a limit by its own name, wherever in the tree it stands.
func TestUnshowableConstructorsAreNamed(t *testing.T) {
	for _, name := range []string{
		"torch._utils:_rebuild_qtensor", "torch._utils:_rebuild_sparse_tensor", "torch._utils:_rebuild_sparse_csr_tensor",
		"torch._utils:_rebuild_nested_tensor", "torch._utils:_rebuild_meta_tensor_no_storage", "torch._utils:_rebuild_wrapper_subclass",
		"torch._utils:_rebuild_device_tensor_from_cpu_tensor", "torch.storage:_load_from_bytes",
	} {
		module, function, _ := strings.Cut(name, ":")
		for where, source := range map[string][]byte{
			"w":     torchOf(t, dict("w", func(p *pickler) { p.name(module, function).op(")R") })),
			"w.0":   torchOf(t, dict("w", func(p *pickler) { p.op("]").name(module, function).op(")Ra") })),
			"w.p":   torchOf(t, dict("w", func(p *pickler) { p.name("my.net", "Net").op(")\x81}").text("p").name(module, function).op(")Rsb") })),
			"w.0.0": torchOf(t, dict("w", func(p *pickler) { p.name("my.net", "Pair").op("(").op("(").name(module, function).op(")Rtt\x81") })),
		} {
			_, err := build(source)
			l, named := errors.AsType[*LimitError](err)
			if !named || l.Tensor != where || !strings.HasPrefix(l.Reason, name+": ") {
				t.Errorf("%s at %s: %v", name, where, err)
			}
		}
	}
}

// A stub is walked: the fields of a named tuple, which are what its class is called with, and its state.
func TestStubsAreWalked(t *testing.T) {
	one := func(p *pickler, key string) { p.tensor(key, 4, 0, []int64{4}, []int64{1}) }
	source := torchOf(t, dict("w", func(p *pickler) {
		p.name("my.net", "Pair").op("(")
		one(p, "0")
		p.op("NtR}").text("more")
		one(p, "1")
		p.op("sb")
	}))
	got := shownBy(t, source)
	if len(got) != 2 || string(got["w.0"]) != strings.Repeat("0", 16) || string(got["w.more"]) != strings.Repeat("1", 16) {
		t.Errorf("shown: %q", got)
	}
}

// In the other byte order torch swaps a storage by its own type; an untyped one it does not swap.
func TestUntypedStoragesInTheOtherByteOrder(t *testing.T) {
	of := func(dtype, order string) error {
		source := dict("w", func(p *pickler) {
			p.name("torch._utils", "_rebuild_tensor_v3").op("((").text("storage").name("torch.storage", "UntypedStorage").text("0").text("cpu").int(16)
			p.op("tQ").int(0).ints("(", "t", 2).ints("(", "t", 1).op("\x89}").name("torch", dtype).op("tR")
		})
		_, err := build(torchWith(t, source, "archive/byteorder", order))
		return err
	}
	for _, tt := range []struct {
		dtype, order string
		shown        bool
	}{{"uint16", "little", true}, {"uint16", "big", false}, {"float8_e5m2", "big", true}, {"uint16", "middle", false}} {
		if err := of(tt.dtype, tt.order); (err == nil) != tt.shown {
			t.Errorf("%s, %s: %v", tt.dtype, tt.order, err)
		}
	}
}

// torchWith is torchOf with one more member of a content.
func torchWith(t *testing.T, pkl []byte, name, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range []struct{ name, data string }{{"archive/data.pkl", string(pkl)}, {name, content}, {"archive/data/0", strings.Repeat("0", 16)}} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
		if err == nil {
			_, err = f.Write([]byte(m.data))
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
