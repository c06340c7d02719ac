package envelope

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"trustfs/provenance/keys"
)

const payload = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":"` +
	`2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}}],"predicateType":"https://e/p","predicate":{}}`

// now is a fixed time inside the test certificates' life.
var now = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// An authority issues test certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() authority {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 1, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)))), k}
}

func (a authority) issue(change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "signer"}, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 1),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	change(c)
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, a.cert, k.Public(), a.key)))), k
}

// bundle makes a bundle over payload; change edits it before it is written.
func bundle(k *ecdsa.PrivateKey, chain []*x509.Certificate, change func(map[string]any)) []byte {
	sum := sha256.Sum256(PAE(PayloadType, []byte(payload)))
	material := map[string]any{"publicKey": map[string]any{"hint": "x"}}
	if len(chain) > 0 {
		var certs []any
		for _, c := range chain {
			certs = append(certs, map[string]any{"rawBytes": c.Raw})
		}
		material = map[string]any{"x509CertificateChain": map[string]any{"certificates": certs}}
	}
	b := map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
		"dsseEnvelope": map[string]any{
			"payload": []byte(payload), "payloadType": PayloadType,
			"signatures": []any{map[string]any{"sig": must(ecdsa.SignASN1(rand.Reader, k, sum[:]))}},
		},
	}
	if change != nil {
		change(b)
	}
	return must(json.Marshal(b))
}

func TestPAE(t *testing.T) {
	// The example of the DSSE protocol's own text.
	if got, want := string(PAE("http://example.com/HelloWorld", []byte("hello world"))), "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestVerifyKey(t *testing.T) {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	envelopeOf := func(b map[string]any) map[string]any { return b["dsseEnvelope"].(map[string]any) }
	tests := []struct {
		name   string
		change func(map[string]any)
		status keys.Status
		err    string
	}{
		{"good", nil, keys.Valid, ""},
		{"changed payload", func(b map[string]any) { envelopeOf(b)["payload"] = []byte(payload + " ") }, keys.Invalid, ""},
		{"another type", func(b map[string]any) { envelopeOf(b)["payloadType"] = "text/plain" }, keys.Unknown, "payload type"},
		{"no signature", func(b map[string]any) { envelopeOf(b)["signatures"] = []any{} }, keys.Unknown, "0 signatures"},
		{"two signatures", func(b map[string]any) {
			e := envelopeOf(b)
			e["signatures"] = append(e["signatures"].([]any), map[string]any{"sig": "AAAA"})
		}, keys.Unknown, "2 signatures"},
	}
	for _, tt := range tests {
		b, err := Parse(bundle(k, nil, tt.change))
		if err != nil || b.Material() != ByKey || !b.IsStatement() {
			t.Fatalf("%s: %v", tt.name, err)
		}
		status, _, err := b.VerifyKey(context.Background(), []keys.Key{{Public: k.Public()}})
		if status != tt.status || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, %v", tt.name, status, err)
		}
	}
}

func TestVerifyChain(t *testing.T) {
	ca, stranger := newAuthority(), newAuthority()
	plain := func(*x509.Certificate) {}
	tests := []struct {
		name   string
		by     authority
		change func(*x509.Certificate)
		at     time.Time
		id     string
		err    string
	}{
		{"common name", ca, plain, now, "signer", ""},
		{"mail address", ca, func(c *x509.Certificate) { c.EmailAddresses = []string{"a@example.com"} }, now, "a@example.com", ""},
		{"code signing", ca, func(c *x509.Certificate) {
			c.KeyUsage, c.ExtKeyUsage = 0, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}, now, "signer", ""},
		{"not for signing", ca, func(c *x509.Certificate) {
			c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageKeyAgreement, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}, now, "", "not for signing"},
		{"expired", ca, plain, now.AddDate(0, 0, 2), "", "expired"},
		{"not yet valid", ca, plain, now.AddDate(0, 0, -2), "", "not yet valid"},
		{"another authority", stranger, plain, now, "", ErrUntrustedChain.Error()},
	}
	for _, tt := range tests {
		leaf, k := tt.by.issue(tt.change)
		b, err := Parse(bundle(k, []*x509.Certificate{leaf, tt.by.cert}, nil))
		if err != nil || b.Material() != ByChain {
			t.Fatalf("%s: %v", tt.name, err)
		}
		id, issuer, err := b.VerifyChain(context.Background(), []*x509.Certificate{ca.cert}, tt.at)
		if id != tt.id || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && issuer != "CN=CA" {
			t.Errorf("%s: %q by %q, %v", tt.name, id, issuer, err)
		}
		if errors.Is(err, ErrUntrustedChain) != (tt.name == "another authority") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	leaf, _ := ca.issue(plain)
	_, other := ca.issue(plain)
	b := must(Parse(bundle(other, []*x509.Certificate{leaf}, nil)))
	if id, _, err := b.VerifyChain(context.Background(), []*x509.Certificate{ca.cert}, now); err == nil {
		t.Errorf("signed by another key than the certificate's, and taken for %q", id)
	}
	long := make([]*x509.Certificate, maxChain+1)
	for i := range long {
		long[i] = leaf
	}
	b = must(Parse(bundle(other, long, nil)))
	if _, _, err := b.VerifyChain(context.Background(), []*x509.Certificate{ca.cert}, now); err == nil || !strings.Contains(err.Error(), "certificates") {
		t.Errorf("a long chain: %v", err)
	}
}

func TestBadBundles(t *testing.T) {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	without := func(key string) []byte { return bundle(k, nil, func(b map[string]any) { delete(b, key) }) }
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("x"), "no media type": without("mediaType"), "no material": without("verificationMaterial"),
		"no content": without("dsseEnvelope"), "cut": bundle(k, nil, nil)[:100], "large": make([]byte, MaxBytes+1),
		"another media type": bundle(k, nil, func(b map[string]any) { b["mediaType"] = "application/json" }),
		"a key twice":        []byte(`{"mediaType":"a","mediaType":"b"}`),
		"base64 that is none": bundle(k, nil, func(b map[string]any) {
			b["dsseEnvelope"].(map[string]any)["payload"] = "*" + base64.StdEncoding.EncodeToString([]byte(payload))
		}),
	} {
		if got, err := Parse(b); err == nil {
			t.Errorf("%s: taken as %v", name, got.Material())
		}
	}
}

func TestStatement(t *testing.T) {
	s, err := ParseStatement([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Names(sha256.Sum256([]byte("foo"))) || s.Names(sha256.Sum256([]byte("bar"))) {
		t.Error("the wrong subject")
	}
	for _, bad := range []string{
		``, `[]`, `{}`, strings.Replace(payload, "in-toto.io", "example.com", 1), strings.Replace(payload, `[{`, `[],"x":[{`, 1),
		strings.Replace(payload, `"subject"`, `"Subject":[],"subject"`, 1),
	} {
		if s, err := ParseStatement([]byte(bad)); err == nil {
			t.Errorf("%.60s: taken as %+v", bad, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ca := newAuthority()
	leaf, lk := ca.issue(func(*x509.Certificate) {})
	f.Add(bundle(k, nil, nil))
	f.Add(bundle(lk, []*x509.Certificate{leaf, ca.cert}, nil))
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil {
			return
		}
		if st, _, err := b.VerifyKey(context.Background(), []keys.Key{{Public: other.Public()}}); err == nil && st == keys.Valid {
			t.Error("valid by a key that signed nothing")
		}
		if id, _, err := b.VerifyChain(context.Background(), []*x509.Certificate{newAuthority().cert}, now); err == nil {
			t.Errorf("%q by an authority that issued nothing", id)
		}
	})
}
