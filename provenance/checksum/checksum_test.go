package checksum

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"trustfs/integrity"
)

var (
	sumA = integrity.Digest(sha256.Sum256([]byte("a")))
	sumB = integrity.Digest(sha256.Sum256([]byte("b")))
)

func TestParseForms(t *testing.T) {
	a := sumA.String()
	tests := []struct{ name, line, file string }{
		{"plain", a + " model.bin", "model.bin"},
		{"sha256sum text", a + "  model.bin", "model.bin"},
		{"sha256sum binary", a + " *model.bin", "model.bin"},
		{"tab", a + "\tmodel.bin", "model.bin"},
		{"upper case", strings.ToUpper(a) + "  model.bin", "model.bin"},
		{"windows line", a + "  model.bin\r", "model.bin"},
		{"byte order mark", "\xef\xbb\xbf" + a + "  model.bin", "model.bin"},
		{"subfolder", a + "  ./sub//model.bin", "sub/model.bin"},
		{"spaces inside", a + "  my model.bin", "my model.bin"},
		{"space in front", a + "   model.bin", " model.bin"},
		{"star in the name", a + "  *model.bin", "*model.bin"},
		{"escaped", `\` + a + `  a\nb\\c\r`, "a\nb\\c\r"},
		{"not escaped", a + `  a\nb`, `a\nb`},
		{"BSD", "SHA256 (model.bin) = " + a, "model.bin"},
		{"openssl", "SHA256(model.bin)= " + a, "model.bin"},
		{"openssl 3", "SHA2-256(model.bin)= " + a, "model.bin"},
		{"BSD, parentheses", "SHA256 (m (1).bin) = " + a, "m (1).bin"},
		{"bare digest", a, "self.bin"},
		{"among comments", "# hello\n\n" + a + "  model.bin\n", "model.bin"},
		{"absolute", a + "  /models/x.bin", "/models/x.bin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := Parse([]byte(tt.line), "self.bin")
			if len(l.Bad) != 0 {
				t.Fatalf("bad lines: %v", l.Bad)
			}
			if r, _ := l.Lookup(tt.file, sumA); r != Match {
				t.Errorf("right digest: %v; the list has %v", r, l.entries)
			}
			if r, expected := l.Lookup(tt.file, sumB); r != Mismatch || expected != a {
				t.Errorf("wrong digest: %v, expected %s", r, expected)
			}
			if r, _ := l.Lookup(tt.file+"x", sumA); r != Unlisted {
				t.Errorf("another name: %v", r)
			}
		})
	}
}

func TestBadLines(t *testing.T) {
	a := sumA.String()
	for _, line := range []string{
		"hello world", a[:63] + "  x", a[:60] + "  x", a + "0  x", "z" + a[1:] + "  x", a + "  ../x", a + "  ..", a + "  sub/../../x",
		a, `\` + a + `  x\y`, `\` + a + `  x\`, "SHA256 () = " + a, "SHA256 (x) " + a, "CRC32 (x) = 12345678", a + "  x\x00y", a + " ",
	} {
		l := Parse([]byte("# first\n"+line+"\n"), "")
		if len(l.Bad) != 1 || l.Bad[0].Line != 2 {
			t.Errorf("%q: bad lines %v, want line 2", line, l.Bad)
		}
		if l.Len() != 0 {
			t.Errorf("%q: an entry was made of it: %v", line, l.entries)
		}
	}
}

func TestBadLinesAreCountedToTheEnd(t *testing.T) {
	l := Parse(bytes.Repeat([]byte("nonsense\n"), maxBad+7), "")
	if len(l.Bad) != maxBad || l.BadMore != 7 {
		t.Errorf("%d reported and %d counted", len(l.Bad), l.BadMore)
	}
	l = Parse(bytes.Repeat([]byte("\n"), MaxLines+1), "")
	if len(l.Bad) != 1 {
		t.Errorf("a list of too many lines: %v", l.Bad)
	}
}

func TestDisagreeingEntries(t *testing.T) {
	for _, list := range []string{
		fmt.Sprintf("%s  x\n%s  x\n", sumA, sumB), fmt.Sprintf("%s  x\n%s  ./x\n", sumB, sumA),
	} {
		if r, expected := Parse([]byte(list), "").Lookup("x", sumA); r != Mismatch || expected != sumB.String() {
			t.Errorf("%q: %v, expected %s", list, r, expected)
		}
	}
	if r, _ := Parse([]byte(fmt.Sprintf("%s  x\n%s  x\n", sumA, sumA)), "").Lookup("x", sumA); r != Match {
		t.Errorf("the same entry twice: %v", r)
	}
}

func TestOtherAlgorithms(t *testing.T) {
	l := Parse([]byte(strings.Repeat("0", 128)+"  x\n"+"MD5 (y) = "+strings.Repeat("0", 32)+"\n"), "")
	if r, alg := l.Lookup("x", sumA); r != OtherAlgorithm || alg != "SHA-512" {
		t.Errorf("x: %v %s", r, alg)
	}
	if r, alg := l.Lookup("y", sumA); r != OtherAlgorithm || alg != "MD5" {
		t.Errorf("y: %v %s", r, alg)
	}
	if len(l.Bad) != 0 {
		t.Errorf("bad lines %v", l.Bad)
	}
}

func TestSelfNames(t *testing.T) {
	content := []byte("hello")
	sum := integrity.Digest(sha256.Sum256(content))
	git := sha1.Sum([]byte("blob 5\x00hello"))
	gitHex := hex.EncodeToString(git[:])
	tests := []struct {
		path      string
		named, ok bool
	}{
		{"models--a--b/blobs/" + sum.String(), true, true},
		{"blobs/" + sum.String(), true, true},
		{"models--a--b/blobs/" + sumB.String(), true, false},
		{"models--a--b/blobs/" + gitHex, true, true},
		{"models--a--b/blobs/" + strings.Repeat("0", 40), true, false},
		{"ollama/blobs/sha256-" + sum.String(), true, true},
		{"ollama/blobs/sha256-" + sumB.String(), true, false},
		{"oci/blobs/sha256/" + sum.String(), true, true},
		{"oci/blobs/sha512/" + strings.Repeat("0", 128), true, false},
		{".git/lfs/objects/" + sum.String()[:2] + "/" + sum.String()[2:4] + "/" + sum.String(), true, true},
		{"lfs/objects/00/00/" + sum.String(), false, false},
		{"blobs/" + sum.String() + ".incomplete", false, false},
		{"blobs/" + strings.ToUpper(sumB.String()), false, false},
		{"other/" + sum.String(), false, false},
		{sum.String(), false, false},
	}
	for _, tt := range tests {
		n, named := NamedBy(tt.path)
		if named != tt.named {
			t.Errorf("%s: named %v, want %v", tt.path, named, tt.named)
		}
		if !named {
			continue
		}
		ok, actual, err := n.Check(context.Background(), sum, bytes.NewReader(content), 5)
		if err != nil || ok != tt.ok || len(actual) != len(n.Digest) {
			t.Errorf("%s: %v, %s, %v; want %v", tt.path, ok, actual, err, tt.ok)
		}
	}
	n := SelfName{"git-sha1", gitHex}
	if _, _, err := n.Check(context.Background(), sum, nil, 5); !errors.Is(err, ErrNoBytes) {
		t.Errorf("git digest without bytes: %v", err)
	}
	if ok, _, err := n.Check(context.Background(), sum, bytes.NewReader(content[:4]), 5); err == nil || ok {
		t.Errorf("git digest of a cut file: %v, %v", ok, err)
	}
	done, stop := context.WithCancel(context.Background())
	stop()
	if ok, _, err := n.Check(done, sum, bytes.NewReader(content), 5); err == nil || ok {
		t.Errorf("cancelled: %v, %v", ok, err)
	}
}

func FuzzParse(f *testing.F) {
	seeds := []string{
		sumA.String() + "  x\n", sumA.String() + " *x", `\` + sumA.String() + `  x\n`, "SHA256 (x) = " + sumA.String(), sumA.String(), "x ../y",
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := Parse(b, "self")
		for name := range l.Names {
			if name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, "\x00") {
				t.Errorf("name %q", name)
			}
			if r, _ := l.Lookup(name, sumA); r == Unlisted {
				t.Errorf("%q is listed and is not found", name)
			}
		}
	})
}
