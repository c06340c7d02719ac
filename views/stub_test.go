package views

import (
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
