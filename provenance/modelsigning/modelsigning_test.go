package modelsigning

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lukechampine.com/blake3"

	"trustfs/provenance/envelope"
	"trustfs/provenance/keys"
)

var ctx = context.Background()

func newSigner(t testing.TB, c elliptic.Curve) *Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func folder() fstest.MapFS {
	return fstest.MapFS{
		"model.safetensors": {Data: []byte("weights")}, "config.json": {Data: []byte("{}")}, "a/b.bin": {Data: []byte("b")},
		"a.b": {Data: []byte("ab")}, ".git/HEAD": {Data: []byte("ref")}, ".gitattributes": {Data: []byte("x")}, "model.sig": {Data: []byte("old")},
	}
}

// open checks a bundle by the signer's key and gives its manifest.
func open(t *testing.T, bundle []byte, s *Signer) *Manifest {
	t.Helper()
	b, err := envelope.Parse(bundle)
	if err != nil {
		t.Fatal(err)
	}
	status, _, err := b.VerifyKey(ctx, []keys.Key{{Public: s.Key.Public()}})
	if err != nil || status != keys.Valid {
		t.Fatalf("signature: %v, %v", status, err)
	}
	payload, _, _, err := b.Payload()
	if err != nil {
		t.Fatal(err)
	}
	st, err := envelope.ParseStatement(payload)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(st)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSignAndVerify(t *testing.T) {
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		s := newSigner(t, c)
		bundle, err := s.Sign(ctx, folder(), "m", "model.sig")
		if err != nil {
			t.Fatal(err)
		}
		m := open(t, bundle, s)
		names := slices.Sorted(m.Names)
		if want := []string{"a.b", "a/b.bin", "config.json", "model.safetensors"}; !slices.Equal(names, want) {
			t.Errorf("signed %v, want %v", names, want)
		}
		r, err := m.VerifyFolder(ctx, folder(), "model.sig")
		if err != nil || !r.OK() {
			t.Errorf("%+v, %v", r, err)
		}
		other := newSigner(t, c)
		b, err := envelope.Parse(bundle)
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := b.VerifyKey(ctx, []keys.Key{{Public: other.Key.Public()}}); status != keys.Invalid || err != nil {
			t.Errorf("foreign key: %v, %v", status, err)
		}
	}
}

func TestFolderDifferences(t *testing.T) {
	s := newSigner(t, elliptic.P256())
	bundle, err := s.Sign(ctx, folder(), "m", "model.sig")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, bundle, s)
	tests := []struct {
		name   string
		change func(fstest.MapFS)
		want   FolderReport
	}{
		{"flipped byte", func(f fstest.MapFS) { f["config.json"] = &fstest.MapFile{Data: []byte("{}\n")} }, FolderReport{Mismatched: []string{"config.json"}}},
		{"renamed", func(f fstest.MapFS) { f["c.json"] = f["config.json"]; delete(f, "config.json") }, FolderReport{Missing: []string{"config.json"}, Added: []string{"c.json"}}},
		{"added", func(f fstest.MapFS) { f["a/evil.py"] = &fstest.MapFile{} }, FolderReport{Added: []string{"a/evil.py"}}},
		{"removed", func(f fstest.MapFS) { delete(f, "a/b.bin") }, FolderReport{Missing: []string{"a/b.bin"}}},
		{"git's files", func(f fstest.MapFS) { f[".git/config"] = &fstest.MapFile{} }, FolderReport{}},
	}
	for _, tt := range tests {
		f := folder()
		tt.change(f)
		r, err := m.VerifyFolder(ctx, f, "model.sig")
		if err != nil || fmt.Sprint(*r) != fmt.Sprint(tt.want) || r.OK() != (tt.name == "git's files") {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, *r, err, tt.want)
		}
	}
}

func TestSignFile(t *testing.T) {
	s := newSigner(t, elliptic.P256())
	bundle, err := s.SignFile(ctx, "m.gguf", strings.NewReader("weights"))
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, bundle, s)
	for content, want := range map[string]Result{"weights": Match, "weight": Mismatch} {
		if r, err := m.Check(ctx, Self, sha256.Sum256([]byte(content)), nil, int64(len(content))); r != want || err != nil {
			t.Errorf("%s: %v, %v", content, r, err)
		}
	}
}

// statement makes a manifest by hand; the root digest is computed unless it is given.
func statement(method, hashType string, shard int64, root string, resources ...wireResource) *envelope.Statement {
	var p wirePredicate
	p.Serialization.Method, p.Serialization.HashType, p.Serialization.ShardSize = method, hashType, shard
	p.Serialization.IgnorePaths = []string{"ignored", "../out", "/abs"}
	p.Resources = resources
	h := sha256.New()
	for _, r := range resources {
		d, _ := hex.DecodeString(r.Digest)
		h.Write(d)
	}
	if root == "" {
		root = hex.EncodeToString(h.Sum(nil))
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return &envelope.Statement{PredicateType: PredicateType, Predicate: b, Subject: []envelope.Subject{{Name: "m", Digest: map[string]string{"sha256": root}}}}
}

func sumHex(b string) string { s := sha256.Sum256([]byte(b)); return hex.EncodeToString(s[:]) }

func TestBadManifests(t *testing.T) {
	ok := wireResource{"a", "sha256", sumHex("a")}
	shard := wireResource{"a:0:5", "sha256-sharded-5", sumHex("a")}
	named := func(n string) wireResource { return wireResource{n, "sha256", sumHex("a")} }
	tests := []struct {
		name, want string
		s          *envelope.Statement
	}{
		{"good", "", statement("files", "sha256", 0, "", ok)},
		{"good shards", "", statement("shards", "sha256", 5, "", shard)},
		{"another predicate", "predicate type", &envelope.Statement{PredicateType: "https://slsa.dev/provenance/v1"}},
		{"listed twice", "twice", statement("files", "sha256", 0, "", ok, ok)},
		{"up", "leads out", statement("files", "sha256", 0, "", named("../x"))},
		{"up inside", "leads out", statement("files", "sha256", 0, "", named("a/../../x"))},
		{"not plain", "leads out", statement("files", "sha256", 0, "", named("a/./x"))},
		{"absolute", "leads out", statement("files", "sha256", 0, "", named("/x"))},
		{"backslash", "leads out", statement("files", "sha256", 0, "", named(`a\x`))},
		{"empty name", "leads out", statement("files", "sha256", 0, "", named(""))},
		{"wrong root", "hash to", statement("files", "sha256", 0, sumHex("x"), ok)},
		{"short digest", "no sha256", statement("files", "sha256", 0, "", wireResource{"a", "sha256", "ab"})},
		{"another algorithm", "algorithm", statement("files", "sha256", 0, "", wireResource{"a", "md5", sumHex("a")})},
		{"unknown hash", "hash type", statement("files", "md5", 0, "", ok)},
		{"unknown method", "method", statement("tensors", "sha256", 0, "", ok)},
		{"no shard size", "shards of 0", statement("shards", "sha256", 0, "", shard)},
		{"shard without range", "expected name", statement("shards", "sha256", 5, "", wireResource{"a", "sha256-sharded-5", sumHex("a")})},
		{"shard backwards", "range", statement("shards", "sha256", 5, "", wireResource{"a:5:0", "sha256-sharded-5", sumHex("a")})},
		{"shard up", "leads out", statement("shards", "sha256", 5, "", wireResource{"../a:0:5", "sha256-sharded-5", sumHex("a")})},
		{"no subject", "subjects", &envelope.Statement{PredicateType: PredicateType, Predicate: statement("files", "sha256", 0, "").Predicate}},
		{"no JSON", "model signing", &envelope.Statement{PredicateType: PredicateType, Predicate: []byte(`[]`)}},
	}
	for _, tt := range tests {
		_, err := Parse(tt.s)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestShardsAndOtherHashes(t *testing.T) {
	const content = "0123456789ab"
	part := func(name string, from, to int) wireResource {
		return wireResource{name, "sha256-sharded-5", sumHex(content[from:to])}
	}
	b3 := blake3.Sum256([]byte(content))
	tests := []struct {
		name string
		s    *envelope.Statement
		want Result
	}{
		{"tiled", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:5:10", 5, 10), part("f:10:12", 10, 12)), Match},
		{"out of order", statement("shards", "sha256", 5, "", part("f:10:12", 10, 12), part("f:0:5", 0, 5), part("f:5:10", 5, 10)), Match},
		{"gap", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:10:12", 10, 12)), Mismatch},
		{"end is missing", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:5:10", 5, 10)), Mismatch},
		{"overlap", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:0:5", 0, 5), part("f:5:10", 5, 10), part("f:10:12", 10, 12)), Mismatch},
		{"overlap with the right ends", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:3:10", 3, 10), part("f:10:12", 10, 12)), Mismatch},
		{"wrong part", statement("shards", "sha256", 5, "", part("f:0:5", 0, 5), part("f:5:10", 0, 5), part("f:10:12", 10, 12)), Mismatch},
		{"BLAKE3", statement("files", "blake3", 0, "", wireResource{"f", "blake3", hex.EncodeToString(b3[:])}), Match},
		{"BLAKE3 of something else", statement("files", "blake3", 0, "", wireResource{"f", "blake3", sumHex("x")}), Mismatch},
	}
	for _, tt := range tests {
		m, err := Parse(tt.s)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		r, err := m.Check(ctx, "f", sha256.Sum256([]byte(content)), strings.NewReader(content), int64(len(content)))
		if r != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", tt.name, r, err, tt.want)
		}
		if r, err := m.Check(ctx, "f", sha256.Sum256([]byte(content)), nil, int64(len(content))); r == Match || tt.want == Match && err == nil {
			t.Errorf("%s, without bytes: %v, %v", tt.name, r, err)
		}
		for name, want := range map[string]Result{"g": Unlisted, "ignored/x": Ignored, "ignoredx": Unlisted, ".git/HEAD": Ignored, "out": Unlisted} {
			if r, err := m.Check(ctx, name, sha256.Sum256(nil), nil, 0); r != want || err != nil {
				t.Errorf("%s, %s: %v, %v; want %v", tt.name, name, r, err, want)
			}
		}
	}
}

func TestParseSigner(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := x509.MarshalPKCS8PrivateKey(p224)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "public": []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
		"encrypted": []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
		"P-224":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: weak}),
	} {
		if _, err := ParseSigner(file, nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []*envelope.Statement{
		statement("files", "sha256", 0, "", wireResource{"a", "sha256", sumHex("a")}),
		statement("shards", "sha256", 5, "", wireResource{"a:0:5", "sha256-sharded-5", sumHex("a")}),
	} {
		f.Add([]byte(s.Predicate), s.Subject[0].Digest["sha256"])
	}
	f.Fuzz(func(t *testing.T, predicate []byte, root string) {
		if !json.Valid(predicate) {
			return
		}
		m, err := Parse(&envelope.Statement{PredicateType: PredicateType, Predicate: predicate, Subject: []envelope.Subject{{Digest: map[string]string{"sha256": root}}}})
		if err != nil {
			return
		}
		for n := range m.Names {
			if strings.HasPrefix(n, "/") || strings.Contains("/"+n+"/", "/../") {
				t.Errorf("name %q", n)
			}
			if _, err := m.Check(ctx, n, sha256.Sum256(nil), bytes.NewReader(nil), 0); err != nil && m.Method == "shards" {
				t.Errorf("%q: %v", n, err)
			}
		}
	})
}
