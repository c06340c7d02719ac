package provenance

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"trustfs/internal/beneath"
	"trustfs/provenance/envelope"
	"trustfs/provenance/modelsigning"
	"trustfs/provenance/publisher"
	"trustfs/provenance/sigstore"
	"trustfs/provenance/sigstoretest"
)

const (
	alice  = "alice@example.com"
	google = "https://accounts.example.com"
)

// lenient leaves out the certificate timestamps, which the test authority does not make.
var lenient = sigstore.Thresholds{LogEntries: 1, Timestamps: 1, Certificates: -1}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keyFile writes a public key where options can name it.
func keyFile(t *testing.T, pub crypto.PublicKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "k.pub")
	b := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(pub))})
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func edKey(t *testing.T) (ed25519.PrivateKey, TrustKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return priv, TrustKey{File: keyFile(t, pub), Publisher: "acme"}
}

func signerKey(t *testing.T) (*modelsigning.Signer, TrustKey) {
	t.Helper()
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return &modelsigning.Signer{Key: k}, TrustKey{File: keyFile(t, k.Public()), Publisher: "acme"}
}

// check gathers the evidence for m/model.bin with the content "model" in a folder of the given files.
func check(t *testing.T, o Options, files map[string]string) *Evidence {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files)
	return gather(t, o, dir, subject("m/model.bin", "model"))
}

func wantSignature(t *testing.T, what string, e *Evidence, status, kind, identity string) {
	t.Helper()
	s := e.Signature
	if s.Status != status || s.Kind != kind || s.Identity != identity || (status != SignatureNone) != (s.Detail != "") {
		t.Errorf("%s: %+v; want %s, kind %q, by %q", what, s, status, kind, identity)
	}
}

func TestDetachedSignatures(t *testing.T) {
	priv, trusted := edKey(t)
	_, foreign := edKey(t)
	_, ecdsaKey := signerKey(t)
	sig := ed25519.Sign(priv, []byte("model"))
	wrong := ed25519.Sign(priv, []byte("other"))
	b64 := base64.StdEncoding.EncodeToString
	tests := []struct {
		name         string
		keys         []TrustKey
		file         string
		status, kind string
		identity     string
	}{
		{"valid", []TrustKey{trusted}, b64(sig), SignatureValid, KindKey, "acme"},
		{"valid, second key", []TrustKey{ecdsaKey, foreign, trusted}, string(sig), SignatureValid, KindKey, "acme"},
		{"other bytes", []TrustKey{trusted}, b64(wrong), SignatureInvalid, KindKey, ""},
		{"foreign key", []TrustKey{foreign}, b64(sig), SignatureInvalid, KindKey, ""},
		{"no key", nil, b64(sig), SignatureUnverifiable, KindKey, ""},
		{"no key of its kind", []TrustKey{ecdsaKey}, b64(sig), SignatureUnverifiable, KindKey, ""},
		{"no signature", []TrustKey{trusted}, "hello", SignatureUnverifiable, KindKey, ""},
		{"empty", []TrustKey{trusted}, "", SignatureUnverifiable, KindKey, ""},
	}
	for _, tt := range tests {
		e := check(t, Options{TrustKeys: tt.keys}, map[string]string{"m/model.bin.sig": tt.file})
		wantSignature(t, tt.name, e, tt.status, tt.kind, tt.identity)
	}
	wantSignature(t, "none", check(t, Options{TrustKeys: []TrustKey{trusted}}, map[string]string{"m/other.sig": string(sig)}), SignatureNone, "", "")
	e := check(t, Options{TrustKeys: []TrustKey{trusted}}, map[string]string{"m/model.bin.sig": string(sig), "m/model.bin.minisig": "junk"})
	wantSignature(t, "a valid one beside junk", e, SignatureValid, KindKey, "acme")
	e = check(t, Options{TrustKeys: []TrustKey{trusted}}, map[string]string{"m/model.bin.sig": string(sig), "m/model.bin.bundle": string(wrong)})
	wantSignature(t, "a valid one beside a bundle that is none", e, SignatureValid, KindKey, "acme")
}

// TestRawSignatureWithABrace has a raw signature that begins as JSON does.
func TestRawSignatureWithABrace(t *testing.T) {
	for range 100_000 { // some 256 of them do it
		pub, priv, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sig := ed25519.Sign(priv, []byte("model"))
		if sig[0] != '{' {
			continue
		}
		e := check(t, Options{TrustKeys: []TrustKey{{keyFile(t, pub), "acme"}}}, map[string]string{"m/model.bin.sig": string(sig)})
		wantSignature(t, "a raw signature", e, SignatureValid, KindKey, "acme")
		return
	}
	t.Fatal("no signature begins with a brace")
}

func TestSigstoreBundles(t *testing.T) {
	a := sigstoretest.New(t)
	root := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(root, a.Root(), 0o644); err != nil {
		t.Fatal(err)
	}
	with := func(rules ...publisher.Rule) Options {
		return Options{TrustedRoot: root, Publishers: rules, Sigstore: lenient}
	}
	good := string(sigstoretest.JSON(t, a.Sign(alice, google, []byte("model"))))
	other := string(sigstoretest.JSON(t, a.Sign(alice, google, []byte("other"))))
	foreign := string(sigstoretest.JSON(t, sigstoretest.New(t).Sign(alice, google, []byte("model"))))
	attest := func(sum, predicateType, predicate string) string {
		return string(sigstoretest.JSON(t, a.Attest(alice, google, fmt.Appendf(nil,
			`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`, sum, predicateType, predicate))))
	}
	statement := func(sum string) string { return attest(sum, "https://slsa.dev/provenance/v1", "{}") }
	about := func(predicateType, predicate string) string { return attest(sumOf("model"), predicateType, predicate) }
	trusted, stranger := publisher.Rule{Identity: alice, Issuer: google}, publisher.Rule{Identity: "@example.org"}
	tests := []struct {
		name             string
		o                Options
		suffix, file     string
		status, identity string
	}{
		{"trusted", with(trusted), ".sigstore", good, SignatureValid, alice},
		{"trusted, other name", with(trusted), ".sigstore.json", good, SignatureValid, alice},
		{"trusted, .bundle", with(stranger, trusted), ".bundle", good, SignatureValid, alice},
		{"in .sig", with(trusted), ".sig", good, SignatureValid, alice},
		{"somebody else", with(stranger), ".sigstore", good, SignatureUntrusted, alice},
		{"nobody is trusted", with(), ".sigstore", good, SignatureUntrusted, alice},
		{"wrong issuer", with(publisher.Rule{Identity: alice, Issuer: "https://other.example.com"}), ".sigstore", good, SignatureUntrusted, alice},
		{"other bytes", with(trusted), ".sigstore", other, SignatureInvalid, ""},
		{"foreign authority", with(trusted), ".sigstore", foreign, SignatureInvalid, ""},
		{"no trusted root", Options{Publishers: []publisher.Rule{trusted}}, ".sigstore", good, SignatureUnverifiable, ""},
		{"cut", with(trusted), ".sigstore", good[:len(good)/2], SignatureUnverifiable, ""},
		{"statement", with(trusted), ".sigstore", statement(sumOf("model")), SignatureValid, alice},
		{"statement about another", with(trusted), ".sigstore", statement(sumOf("other")), SignatureInvalid, alice},
		{"cosign's statement", with(trusted), ".sigstore.json", about("https://sigstore.dev/cosign/sign/v1", "{}"), SignatureValid, alice},
		{"an older provenance", with(trusted), ".sigstore", about("https://slsa.dev/provenance/v0.2", "{}"), SignatureValid, alice},
		{"an older model signing", with(trusted), ".sigstore", about("https://model_signing/Digests/v0.1", `{"unused":"x"}`), SignatureValid, alice},
		{"provenance by a stranger", with(stranger), ".sigstore", statement(sumOf("model")), SignatureUntrusted, alice},
		{"a verification that failed", with(trusted), ".sigstore", about("https://slsa.dev/verification_summary/v1", `{"verificationResult":"FAILED"}`), SignatureUnverifiable, alice},
		{"a scan", with(trusted), ".bundle", about("https://in-toto.io/attestation/vulns/v0.1", `{"scanner":{"result":["malware"]}}`), SignatureUnverifiable, alice},
		{"a test's result", with(trusted), ".sigstore", about("https://in-toto.io/attestation/test-result/v0.1", `{"result":"FAILED"}`), SignatureUnverifiable, alice},
		{"a signed SBOM", with(trusted), ".sigstore", about("https://cyclonedx.org/bom", "{}"), SignatureUnverifiable, alice},
		{"an unknown type", with(trusted), ".sigstore", about("https://e/p", "{}"), SignatureUnverifiable, alice},
		{"no type", with(trusted), ".sigstore", about("", "{}"), SignatureUnverifiable, alice},
		{"almost a known type", with(trusted), ".sigstore", about("https://slsa.dev/provenance/v1/", "{}"), SignatureUnverifiable, alice},
		{"an unknown type by a stranger", with(stranger), ".sigstore", about("https://e/p", "{}"), SignatureUnverifiable, alice},
		{"an unknown type about another", with(trusted), ".sigstore", attest(sumOf("other"), "https://e/p", "{}"), SignatureInvalid, alice},
		{"a key twice", with(trusted), ".sigstore", `{"mediaType":"x",` + good[1:], SignatureUnverifiable, ""},
	}
	for _, tt := range tests {
		e := check(t, tt.o, map[string]string{"m/model.bin" + tt.suffix: tt.file})
		wantSignature(t, tt.name, e, tt.status, KindSigstore, tt.identity)
	}
}

func TestManifests(t *testing.T) {
	s, trusted := signerKey(t)
	_, foreign := signerKey(t)
	ctx := context.Background()
	signed := func(files fstest.MapFS) string { return string(must(s.Sign(ctx, files, "m", "model.sig"))) }
	model, other := &fstest.MapFile{Data: []byte("model")}, &fstest.MapFile{Data: []byte("other")}
	self := string(must(s.SignFile(ctx, "model.bin", strings.NewReader("model"))))
	tests := []struct {
		name             string
		keys             []TrustKey
		files            map[string]string
		status, identity string
	}{
		{"listed", []TrustKey{trusted}, map[string]string{"m/model.sig": signed(fstest.MapFS{"model.bin": model})}, SignatureValid, "acme"},
		{"listed above", []TrustKey{trusted}, map[string]string{"model.sig": signed(fstest.MapFS{"m/model.bin": model, "x": other})}, SignatureValid, "acme"},
		{"other digest", []TrustKey{trusted}, map[string]string{"m/model.sig": signed(fstest.MapFS{"model.bin": other})}, SignatureInvalid, "acme"},
		{"not listed", []TrustKey{trusted}, map[string]string{"m/model.sig": signed(fstest.MapFS{"renamed.bin": model})}, SignatureInvalid, "acme"},
		{"ignored", []TrustKey{trusted}, map[string]string{"model.sig": signed(fstest.MapFS{"x": other})}, SignatureInvalid, "acme"},
		{"foreign key", []TrustKey{foreign}, map[string]string{"m/model.sig": signed(fstest.MapFS{"model.bin": model})}, SignatureInvalid, ""},
		{"no key", nil, map[string]string{"m/model.sig": signed(fstest.MapFS{"model.bin": model})}, SignatureUnverifiable, ""},
		{"one file", []TrustKey{trusted}, map[string]string{"m/model.sig": self}, SignatureValid, "acme"},
		{"one file, by its name", []TrustKey{trusted}, map[string]string{"m/model.bin.sig": self}, SignatureValid, "acme"},
		{"another file of one", []TrustKey{trusted}, map[string]string{"m/model.sig": string(must(s.SignFile(ctx, "x.bin", strings.NewReader("model"))))}, SignatureInvalid, "acme"},
		{"claims", []TrustKey{trusted}, map[string]string{"m/claims.jsonl": "\n" + signed(fstest.MapFS{"model.bin": model})}, SignatureValid, "acme"},
		{"claims, one is wrong", []TrustKey{trusted}, map[string]string{"m/claims.jsonl": signed(fstest.MapFS{"model.bin": model}) + signed(fstest.MapFS{"model.bin": other})}, SignatureInvalid, "acme"},
		{"valid below, wrong above", []TrustKey{trusted}, map[string]string{"m/model.sig": signed(fstest.MapFS{"model.bin": model}), "model.sig": signed(fstest.MapFS{"m/model.bin": other})}, SignatureInvalid, "acme"},
	}
	for _, tt := range tests {
		e := check(t, Options{TrustKeys: tt.keys}, tt.files)
		wantSignature(t, tt.name, e, tt.status, KindModelSigning, tt.identity)
	}
	e := check(t, Options{TrustKeys: []TrustKey{trusted}}, map[string]string{"n/model.sig": signed(fstest.MapFS{"model.bin": other})})
	wantSignature(t, "another folder's manifest", e, SignatureNone, "", "")
	e = check(t, Options{TrustKeys: []TrustKey{trusted}}, map[string]string{"m/claims.jsonl": strings.Repeat("{}\n", maxClaims+1)})
	wantSignature(t, "too many claims", e, SignatureUnverifiable, KindModelSigning, "")
}

// TestStatementsInTheFolder has a statement about the file among the folder's claims: it says no more than beside the file,
// and takes nothing from a manifest beside it.
func TestStatementsInTheFolder(t *testing.T) {
	a := sigstoretest.New(t)
	root := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(root, a.Root(), 0o644); err != nil {
		t.Fatal(err)
	}
	s, key := signerKey(t)
	o := Options{TrustedRoot: root, Sigstore: lenient, Publishers: []publisher.Rule{{Identity: "@example.com"}}, TrustKeys: []TrustKey{key}}
	claim := func(predicateType string) string {
		return string(sigstoretest.JSON(t, a.Attest(alice, google, fmt.Appendf(nil,
			`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`, sumOf("model"), predicateType))))
	}
	scan := claim("https://in-toto.io/attestation/vulns/v0.1")
	manifest := string(must(s.Sign(context.Background(), fstest.MapFS{"model.bin": {Data: []byte("model")}}, "m", "model.sig")))
	e := check(t, o, map[string]string{"m/claims.jsonl": scan})
	wantSignature(t, "a scan", e, SignatureUnverifiable, KindSigstore, alice)
	e = check(t, o, map[string]string{"m/claims.jsonl": scan + "\n" + claim("https://slsa.dev/provenance/v1")})
	wantSignature(t, "a scan and a provenance", e, SignatureValid, KindSigstore, alice)
	e = check(t, o, map[string]string{"m/claims.jsonl": scan, "m/model.sig": manifest})
	wantSignature(t, "a scan beside a manifest", e, SignatureValid, KindModelSigning, "acme")
}

// TestManifestBySigstore has a manifest signed by an identity: a stranger's says nothing of files that it does not list.
func TestManifestBySigstore(t *testing.T) {
	a := sigstoretest.New(t)
	root := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(root, a.Root(), 0o644); err != nil {
		t.Fatal(err)
	}
	s, _ := signerKey(t)
	for content, want := range map[string][2]string{"model": {SignatureValid, SignatureUntrusted}, "other": {SignatureInvalid, SignatureInvalid}} {
		byKey := must(envelope.Parse(must(s.Sign(context.Background(), fstest.MapFS{"model.bin": {Data: []byte(content)}}, "m", "model.sig"))))
		payload, _, _, err := byKey.Payload()
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{"m/model.sig": string(sigstoretest.JSON(t, a.Attest(alice, google, payload)))}
		e := check(t, Options{TrustedRoot: root, Sigstore: lenient, Publishers: []publisher.Rule{{Identity: "@example.com"}}}, files)
		wantSignature(t, content, e, want[0], KindModelSigning, alice)
		e = check(t, Options{TrustedRoot: root, Sigstore: lenient}, files)
		wantSignature(t, content+" by a stranger", e, want[1], KindModelSigning, alice)
		dir := t.TempDir()
		write(t, dir, files)
		e = gather(t, Options{TrustedRoot: root, Sigstore: lenient}, dir, subject("m/unlisted.bin", "x"))
		wantSignature(t, "not listed by a stranger", e, SignatureNone, "", "")
	}
}

func TestHugeSidecars(t *testing.T) {
	_, trusted := edKey(t)
	for _, name := range []string{"m/model.bin.sig", "m/model.sig", "m/model.bin.sigstore", "m/model.bin.cdx.json"} {
		dir := t.TempDir()
		write(t, dir, map[string]string{name: ""})
		if err := os.Truncate(filepath.Join(dir, name), 1<<40); err != nil {
			t.Fatal(err)
		}
		e := gather(t, Options{TrustKeys: []TrustKey{trusted}, SBOMsInTree: true}, dir, subject("m/model.bin", "model"))
		if e.acquits() || e.Signature.Status != SignatureUnverifiable && e.SBOM != SBOMMalformed {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestTrustThatDoesNotLoad(t *testing.T) {
	dir := t.TempDir()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{
		"private.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(priv))})),
		"root.json":   "{}", "open.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(pub))})),
	})
	if err := os.Chmod(filepath.Join(dir, "open.pem"), 0o666); err != nil {
		t.Fatal(err)
	}
	key := func(name string) Options { return Options{TrustKeys: []TrustKey{{File: filepath.Join(dir, name)}}} }
	tests := []struct {
		name, want string
		o          Options
	}{
		{"private key", "PRIVATE", key("private.pem")},
		{"absent key", "not there", key("absent.pem")},
		{"key that all can write", "lets others write", key("open.pem")},
		{"no trusted root", "trusted root", Options{TrustedRoot: filepath.Join(dir, "root.json")}},
		{"relative key", "absolute", Options{TrustKeys: []TrustKey{{File: "k.pem"}}}},
		{"relative list", "absolute", Options{Checksums: []string{"checksums.txt"}}},
		{"relative root", "absolute", Options{Root: "models"}},
		{"bad publisher", "publisher", Options{Publishers: []publisher.Rule{{Identity: "*"}}}},
	}
	for _, tt := range tests {
		if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestEpochAndOutdated(t *testing.T) {
	_, k := edKey(t)
	_, k2 := edKey(t)
	v := must(New(Options{TrustKeys: []TrustKey{k}}))
	if same := must(New(Options{TrustKeys: []TrustKey{k}})); same.Epoch() != v.Epoch() {
		t.Error("the same trust has two epochs")
	}
	for what, o := range map[string]Options{
		"no key": {}, "another key": {TrustKeys: []TrustKey{k2}}, "one more": {TrustKeys: []TrustKey{k, k2}},
		"another name": {TrustKeys: []TrustKey{{k.File, "x"}}}, "SBOMs": {TrustKeys: []TrustKey{k}, SBOMsInTree: true}, "a publisher": {TrustKeys: []TrustKey{k}, Publishers: []publisher.Rule{{Identity: "@a.b"}}},
	} {
		if must(New(o)).Epoch() == v.Epoch() {
			t.Errorf("%s: the same epoch", what)
		}
	}
	if v.Outdated() {
		t.Error("outdated though nothing changed")
	}
	if err := os.Rename(k2.File, k.File); err != nil {
		t.Fatal(err)
	}
	if !v.Outdated() {
		t.Error("the key file was replaced, and the verifier is not outdated")
	}
}

// TestThroughBeneath uses the tree that the mount uses: sidecars behind links inside the tree count, those outside do not,
// and a folder with a sidecar's name is no sidecar.
func TestThroughBeneath(t *testing.T) {
	priv, trusted := edKey(t)
	dir, out := t.TempDir(), t.TempDir()
	sig := string(ed25519.Sign(priv, []byte("model")))
	write(t, dir, map[string]string{"blobs/sig": sig, "m/model.bin.minisig/x": "", "m/checksums.txt/x": ""})
	write(t, out, map[string]string{"SHA256SUMS": strings.Repeat("0", 64) + "  model.bin"})
	for link, to := range map[string]string{"m/model.bin.sig": "../blobs/sig", "m/SHA256SUMS": filepath.Join(out, "SHA256SUMS")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := beneath.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	v := must(New(Options{TrustKeys: []TrustKey{trusted}, Now: time.Now}))
	e, err := v.Evidence(context.Background(), root, subject("m/model.bin", "model"))
	if err != nil {
		t.Fatal(err)
	}
	wantSignature(t, "behind a link", e, SignatureValid, KindKey, "acme")
	if e.Checksum != ChecksumNone || len(e.Findings) != 0 {
		t.Errorf("checksum %s, %v", e.Checksum, e.Findings)
	}
	if err := os.Remove(filepath.Join(dir, "m/model.bin.sig")); err != nil {
		t.Fatal(err)
	}
	if Current(root, e.Inputs) {
		t.Error("current though the signature is gone")
	}
}

func TestCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	v := must(New(Options{}))
	if e, err := v.Evidence(ctx, dirTree(t.TempDir()), subject("x", "x")); err == nil {
		t.Errorf("%+v", e)
	}
}

// TestParallel has many files judged at once by one verifier; the race detector looks at what they share.
func TestParallel(t *testing.T) {
	s, trusted := signerKey(t)
	files := fstest.MapFS{}
	onDisk := map[string]string{}
	for i := range 20 {
		name := fmt.Sprintf("f%d.bin", i)
		files[name] = &fstest.MapFile{Data: []byte(name)}
		onDisk["m/"+name] = name
	}
	onDisk["m/model.sig"] = string(must(s.Sign(context.Background(), files, "m", "model.sig")))
	onDisk["m/SHA256SUMS"] = sumOf("f0.bin") + "  f0.bin\n"
	dir := t.TempDir()
	write(t, dir, onDisk)
	v := must(New(Options{TrustKeys: []TrustKey{trusted}}))
	var wg sync.WaitGroup
	for name := range files {
		wg.Go(func() {
			e, err := v.Evidence(context.Background(), dirTree(dir), subject("m/"+name, name))
			if err != nil || e.Signature.Status != SignatureValid {
				t.Errorf("%s: %+v, %v", name, e, err)
			}
		})
	}
	wg.Wait()
}
