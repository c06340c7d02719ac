package pickle

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
)

func bin(s string) string {
	return "B" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func long(s string) string { return "X" + bin(s)[1:] }

func TestCarried(t *testing.T) {
	payload := load(reduce(g("posix", "system"), str("id")))
	framed := "\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
	harmless := load(reduce(g("collections", "OrderedDict")))
	b64 := base64.StdEncoding.EncodeToString
	raw, spelled := "pickle_carried a pickle kept as data, which would resolve posix.system", "pickle_carried a pickle kept as data in "
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"bytes", load(dict(str("weights"), bin(payload))), []string{raw}},
		{"bytes with a frame", load(bin(framed)), []string{raw}},
		{"behind other bytes", load(bin("some bytes" + payload + "more")), []string{raw}},
		{"base64", load(long(b64([]byte(payload)))), []string{spelled + "base64, which would resolve posix.system"}},
		{"base64 with a frame", load(long(b64([]byte(framed)))), []string{spelled + "base64"}},
		{"base64 with padding", load(long(b64([]byte(framed + "?")))), []string{spelled + "base64"}},
		{"base64 in bytes", load(bin(b64([]byte(payload)))), []string{spelled + "base64"}},
		{"hexadecimal", load(long(hex.EncodeToString([]byte(payload)))), []string{spelled + "hexadecimal"}},
		{"hexadecimal in capitals", load(long(strings.ToUpper(hex.EncodeToString([]byte(framed))))), []string{spelled + "hexadecimal"}},
		{"a name that exists only at run time", load(bin("\x80\x04" + reduce(g("builtins", "str"), str("os")) + "\x8c\x06system\x93.")),
			[]string{"pickle_carried a pickle kept as data, which would resolve a name that exists only at run time"}},
		{"carried by what is carried", load(bin(load(bin(payload)))), []string{raw}},
		{"harmless", load(bin(harmless) + "0" + long(b64([]byte(harmless)))), nil},
		{"not whole", load(bin(payload[:12])), nil},
		{"unknown names", load(bin(load(g("my.mod", "Net")))), nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := inspectText(tc.stream)
			expect(t, r, tc.want)
			if slices.Contains(r.Facts.Globals, "posix:system") {
				t.Error("what nobody resolves is among the facts")
			}
		})
	}
}

// The search reads windows: what begins in one and ends in the next is found, and found once.
func TestCarriedAcrossWindows(t *testing.T) {
	payload := load(reduce(g("posix", "system"), str("id")))
	for _, body := range []string{payload, base64.RawStdEncoding.EncodeToString([]byte(payload)), hex.EncodeToString([]byte(payload))} {
		for at := scanWindow - 24; at < scanWindow+8; at++ {
			s := load(bin(strings.Repeat("\n", at) + body))
			if r := inspectText(s); len(r.Findings) != 1 || r.Findings[0].Rule != formats.RulePickleCarried {
				t.Fatalf("%.10q at %d: %v", body, at, rulesOf(r))
			}
		}
	}
}

// Beginnings without end, and what is not text to its end, cost tries, never more.
func TestCarriedIsBounded(t *testing.T) {
	data := make([]byte, 1<<20)
	r := rand.NewChaCha8([32]byte{1})
	for i := range data {
		data[i] = "\x80\x02\x03\x04c(}gASV8004"[r.Uint64()%15]
	}
	w := &work{c: newContext(), s: source(load(bin(string(data)))), known: &known{carriedAt: map[int64]bool{}}}
	w.carried(0, w.s.Size)
	if w.tries != carriedTries || w.scanned < 1<<20 || len(w.c.Result.Findings) != 0 {
		t.Errorf("%d tries, %d bytes, %v", w.tries, w.scanned, rulesOf(w.c.Result))
	}
}

// Text in which a pickle may begin everywhere is read and decoded a few times over, not once for each beginning.
func TestCarriedDecodesLittle(t *testing.T) {
	for _, letters := range []string{"gASV", "80049580", "gASVgAJ9"} {
		for _, n := range []int{1 << 10, 1 << 14, 1 << 18} {
			w := &work{c: newContext(), s: source(load(long(strings.Repeat(letters, n)))), known: &known{carriedAt: map[int64]bool{}}}
			w.carried(0, w.s.Size)
			if w.decoded == 0 || w.decoded >= carriedText+2*carriedSize || w.tries == 0 {
				t.Errorf("%d of %q: %d bytes decoded in %d tries", n, letters, w.decoded, w.tries)
			}
		}
	}
	hidden := load(long("gASVgAJ9 " + base64.StdEncoding.EncodeToString([]byte(load(reduce(g("posix", "system"), str("id")))))))
	expect(t, inspectText(hidden), []string{"pickle_carried a pickle kept as data in base64"})
}

func BenchmarkCarried(b *testing.B) {
	dense := strings.Repeat("}q\x00(X\x01\x00\x00\x00aK\x80X\x01\x00\x00\x00bG?\x80\x00\x00\x00\x00\x00\x00u0", 1<<18)
	s := source("\x80\x02" + dense + "N.")
	b.SetBytes(min(s.Size, carriedScan))
	for b.Loop() {
		w := &work{c: newContext(), s: s, known: &known{carriedAt: map[int64]bool{}}}
		w.carried(0, s.Size)
	}
}
