package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/ssh"
)

var message = bytes.Repeat([]byte("weights "), 300_000) // longer than two steps of the stream

func target(b []byte) Target {
	return Target{SHA256: sha256.Sum256(b), Size: int64(len(b)), Bytes: bytes.NewReader(b)}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func pemOf(t *testing.T, pub crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// signers make every signature that is understood, over message.
func signers() map[string]struct {
	key crypto.Signer
	sig []byte
} {
	type made = struct {
		key crypto.Signer
		sig []byte
	}
	s256, s384, s512 := sha256.Sum256(message), sha512.Sum384(message), sha512.Sum512(message)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	r := rsaKey()
	return map[string]made{
		"Ed25519":               {ed, ed25519.Sign(ed, message)},
		"Ed25519 over SHA-256":  {ed, ed25519.Sign(ed, s256[:])},
		"Ed25519ph":             {ed, must(ed.Sign(nil, s512[:], &ed25519.Options{Hash: crypto.SHA512}))},
		"P-256":                 {p256, must(ecdsa.SignASN1(rand.Reader, p256, s256[:]))},
		"P-384, SHA-256":        {p384, must(ecdsa.SignASN1(rand.Reader, p384, s256[:]))},
		"P-384, SHA-384":        {p384, must(ecdsa.SignASN1(rand.Reader, p384, s384[:]))},
		"P-521, SHA-512":        {p521, must(ecdsa.SignASN1(rand.Reader, p521, s512[:]))},
		"RSA PKCS#1, SHA-256":   {r, must(rsa.SignPKCS1v15(nil, r, crypto.SHA256, s256[:]))},
		"RSA PKCS#1, SHA-512":   {r, must(rsa.SignPKCS1v15(nil, r, crypto.SHA512, s512[:]))},
		"RSA PSS, SHA-256":      {r, must(rsa.SignPSS(rand.Reader, r, crypto.SHA256, s256[:], nil))},
		"RSA PSS, salt as hash": {r, must(rsa.SignPSS(rand.Reader, r, crypto.SHA384, s384[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))},
	}
}

func TestVerify(t *testing.T) {
	flipped := bytes.Clone(message)
	flipped[len(flipped)/2] ^= 1
	for name, s := range signers() {
		t.Run(name, func(t *testing.T) {
			trusted, err := Parse(pemOf(t, s.key.Public()), "acme")
			if err != nil {
				t.Fatal(err)
			}
			forms := map[string][]byte{
				"raw": s.sig, "base64": []byte(base64.StdEncoding.EncodeToString(s.sig) + "\n"),
				"PEM": pem.EncodeToMemory(&pem.Block{Type: "SIGNATURE", Bytes: s.sig}),
			}
			for form, b := range forms {
				sig, err := ParseSignature(b)
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				check(t, form, trusted, sig, target(message), Valid)
				check(t, form+", flipped", trusted, sig, target(flipped), Invalid)
				check(t, form+", cut", trusted, sig, target(message[:len(message)-1]), Invalid)
				check(t, form+", no keys", nil, sig, target(message), Unknown)
			}
			if other := otherKey(t, s.key.Public()); other != nil {
				sig := must(ParseSignature(s.sig))
				check(t, "foreign key", other, sig, target(message), Invalid)
				check(t, "foreign key and the right one", append(other, trusted...), sig, target(message), Valid)
			}
		})
	}
}

func check(t *testing.T, what string, trusted []Key, sig *Signature, to Target, want Status) {
	t.Helper()
	got, key, err := Verify(context.Background(), trusted, sig, to)
	if err != nil || got != want || (key != nil) != (want == Valid) {
		t.Errorf("%s: %v, key %v, %v; want %v", what, got, key, err, want)
	}
	if key != nil && key.Name != "acme" {
		t.Errorf("%s: signed by %q", what, key.Name)
	}
}

// otherKey is a fresh key of the same kind, of which the signature is not.
func otherKey(t *testing.T, pub crypto.PublicKey) []Key {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		other, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return []Key{{Public: other}}
	case *ecdsa.PublicKey:
		return []Key{{Public: must(ecdsa.GenerateKey(k.Curve, rand.Reader)).Public()}}
	}
	return nil
}

func TestVerifyOfKindsThatDoNotFit(t *testing.T) {
	all := signers()
	sig := must(ParseSignature(all["P-256"].sig))
	check(t, "ECDSA by an Ed25519 key", []Key{{Public: all["Ed25519"].key.Public()}}, sig, target(message), Unknown)
	sig = must(ParseSignature(all["RSA PSS, SHA-256"].sig))
	check(t, "RSA by an ECDSA key", []Key{{Public: all["P-256"].key.Public()}}, sig, target(message), Unknown)
}

func TestVerifyWithoutBytes(t *testing.T) {
	all := signers()
	for name, wantErr := range map[string]bool{"P-256": false, "RSA PKCS#1, SHA-256": false, "Ed25519 over SHA-256": false, "Ed25519": true, "P-384, SHA-384": true} {
		s := all[name]
		to := target(message)
		to.Bytes = nil
		st, _, err := Verify(context.Background(), []Key{{Public: s.key.Public()}}, must(ParseSignature(s.sig)), to)
		if errors.Is(err, ErrNoBytes) != wantErr || (st == Valid) == wantErr {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	to := target(message)
	to.Bytes, to.Size = io.NewSectionReader(bytes.NewReader(message), 0, 10), int64(len(message))
	if st, _, err := Verify(context.Background(), []Key{{Public: all["Ed25519"].key.Public()}}, must(ParseSignature(all["Ed25519"].sig)), to); err == nil || st == Valid {
		t.Errorf("bytes that end early: %v, %v", st, err)
	}
}

func TestMinisign(t *testing.T) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	keyFile := "untrusted comment: minisign public key\n" + base64.StdEncoding.EncodeToString(bytes.Join([][]byte{[]byte("Ed"), id, pub}, nil)) + "\n"
	trusted, err := Parse([]byte(keyFile), "acme")
	if err != nil {
		t.Fatal(err)
	}
	blake := blake2b.Sum512(message)
	sign := func(alg string, id []byte, over []byte, comment string) []byte {
		s := ed25519.Sign(priv, over)
		global := ed25519.Sign(priv, append(bytes.Clone(s), "timestamp:1"...))
		return []byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(bytes.Join([][]byte{[]byte(alg), id, s}, nil)) +
			"\ntrusted comment: " + comment + "\n" + base64.StdEncoding.EncodeToString(global) + "\n")
	}
	tests := []struct {
		name string
		file []byte
		want Status
	}{
		{"prehashed", sign("ED", id, blake[:], "timestamp:1"), Valid},
		{"legacy", sign("Ed", id, message, "timestamp:1"), Valid},
		{"legacy over the hash", sign("Ed", id, blake[:], "timestamp:1"), Invalid},
		{"prehashed over the bytes", sign("ED", id, message, "timestamp:1"), Invalid},
		{"changed comment", sign("ED", id, blake[:], "timestamp:2"), Invalid},
		{"another key's number", sign("ED", []byte("otherkey"), blake[:], "timestamp:1"), Unknown},
		{"unknown algorithm", sign("XX", id, blake[:], "timestamp:1"), Unknown},
	}
	for _, tt := range tests {
		sig, err := ParseSignature(tt.file)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		check(t, tt.name, trusted, sig, target(message), tt.want)
	}
}

func TestParseKeys(t *testing.T) {
	all := signers()
	ed := all["Ed25519"].key.Public()
	sshLine := ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(ed)))
	weak := must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: rsaKey().N, E: 2}))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	private := func(typ string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}) }
	tests := []struct {
		name, want string // want: part of the error, "" for success
		file       []byte
		keys       int
	}{
		{"PEM", "", pemOf(t, ed), 1},
		{"two PEM blocks", "", append(pemOf(t, ed), pemOf(t, rsaKey().Public())...), 2},
		{"PKCS#1", "", private("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), 1},
		{"SSH", "", sshLine, 1},
		{"SSH with comments", "", append([]byte("# team\n\n"), sshLine...), 1},
		{"private PKCS#8", "PRIVATE", private("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(all["P-256"].key))), 0},
		{"private SSH", "PRIVATE", private("OPENSSH PRIVATE KEY", []byte("x")), 0},
		{"private cosign", "PRIVATE", private("ENCRYPTED SIGSTORE PRIVATE KEY", []byte("x")), 0},
		{"private minisign", "PRIVATE", []byte("untrusted comment: minisign encrypted secret key\nRWR="), 0},
		{"P-224", "P-224", pemOf(t, p224.Public()), 0},
		{"RSA exponent 2", "exponent", private("PUBLIC KEY", weak), 0},
		{"SSH with options", "options", append([]byte(`command="x" `), sshLine...), 0},
		{"broken PEM", "breaks off", append(pemOf(t, ed), "-----BEGIN PUBLIC KEY-----\nAA"...), 0},
		{"another PEM", "expected PUBLIC KEY", private("X509 CRL", nil), 0},
		{"empty", "0 public keys", nil, 0},
		{"text", "neither PEM nor", []byte("hello\n"), 0},
		{"large", "at most", make([]byte, MaxKeyBytes+1), 0},
		{"many", "65 public keys", bytes.Repeat(sshLine, MaxKeys+1), 0},
	}
	for _, tt := range tests {
		got, err := Parse(tt.file, "")
		if tt.want == "" {
			if err != nil || len(got) != tt.keys || !strings.HasPrefix(got[0].Name, "sha256:") {
				t.Errorf("%s: %v, %v", tt.name, got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestWeakRSA(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(pemOf(t, k.Public()), ""); err == nil || !strings.Contains(err.Error(), "1024 bits") {
		t.Errorf("RSA of 1024 bits: %v", err)
	}
}

func TestBadSignatureFiles(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": nil, "large": make([]byte, MaxSignatureBytes+1), "text": []byte("signed, me"), "63 bytes": make([]byte, 63),
		"half a minisign": []byte("untrusted comment: x\nRWQ=\n"), "PEM and more": []byte("-----BEGIN S-----\nAAAA\n-----END S-----\nmore"),
	} {
		if sig, err := ParseSignature(b); err == nil {
			t.Errorf("%s: taken as %+v", name, sig)
		}
	}
}

func FuzzParse(f *testing.F) {
	seeds := [][]byte{
		[]byte("untrusted comment: x\nRWQ\n"), []byte("ssh-ed25519 AAAA x\n"), []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
	}
	for _, s := range signers() {
		seeds = append(seeds, s.sig, []byte(base64.StdEncoding.EncodeToString(s.sig)), must(x509.MarshalPKIXPublicKey(s.key.Public())))
	}
	for _, s := range seeds {
		f.Add(s)
	}
	trusted := []Key{{Public: signers()["Ed25519"].key.Public()}, {Public: rsaKey().Public()}}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ks, err := Parse(b, ""); err == nil && (len(ks) == 0 || ks[0].Name == "") {
			t.Error("no key and no error")
		}
		sig, err := ParseSignature(b)
		if err != nil {
			return
		}
		if st, _, err := Verify(context.Background(), trusted, sig, target([]byte("other"))); err == nil && st == Valid {
			t.Error("a made-up signature is valid")
		}
	})
}
