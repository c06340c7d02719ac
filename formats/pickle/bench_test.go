package pickle

import (
	"strings"
	"testing"
)

func BenchmarkSmall(b *testing.B) {
	data := load(reduce(g("posix", "system"), str("id")))
	b.ReportAllocs()
	for b.Loop() {
		inspectText(data)
	}
}

// BenchmarkStateDict is a state dict of 3,000 tensors.
func BenchmarkStateDict(b *testing.B) {
	tensor := reduce(g("torch._utils", "_rebuild_tensor_v2"),
		tuple(str("storage"), g("torch", "FloatStorage"), str("0"), str("cpu"), "K\x03")+"Q", "K\x00", tuple("K\x03"), tuple("K\x01"), "\x89", od)
	data := load(od + "(" + strings.Repeat(str("layer.weight")+tensor, 3000) + "u")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if r := inspectText(data); len(r.Findings) != 0 {
			b.Fatal(rulesOf(r))
		}
	}
}
