package modelsigning

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/ecdsa"
	"crypto/rand"

	"trustfs/provenance/envelope"
	"trustfs/provenance/keys"
)

// reference is the model_signing command of the reference implementation (pip install model-signing==1.1.1 pyOpenSSL):
// $MODEL_SIGNING, or on the PATH.
func reference(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	cmd := os.Getenv("MODEL_SIGNING")
	if cmd == "" {
		var err error
		if cmd, err = exec.LookPath("model_signing"); err != nil {
			t.Skip("SKIPPED: interoperation with model-signing is not checked: no model_signing on the PATH, and MODEL_SIGNING is not set")
		}
	}
	return func(args ...string) (string, error) {
		out, err := exec.Command(cmd, args...).CombinedOutput()
		return string(out), err
	}
}

// A place is a model on disk with the signer's files beside it.
type place struct{ dir, key, pub, cert, ca, sig string }

func newPlace(t *testing.T) place {
	t.Helper()
	top := t.TempDir()
	p := place{filepath.Join(top, "m"), filepath.Join(top, "k.pem"), filepath.Join(top, "k.pub"), filepath.Join(top, "c.pem"), filepath.Join(top, "ca.pem"), filepath.Join(top, "m", "model.sig")}
	write(t, filepath.Join(p.dir, "model.safetensors"), "weights")
	write(t, filepath.Join(p.dir, "sub", "config.json"), "{}")
	write(t, filepath.Join(p.dir, ".gitattributes"), "x")
	k := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	block := func(file, typ string, der []byte) {
		write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})))
	}
	block(p.key, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(k)))
	block(p.pub, "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(k.Public())))
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Signer"}, EmailAddresses: []string{"signer@example.com"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, AuthorityKeyId: []byte{1},
	}
	block(p.ca, "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)))
	block(p.cert, "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, leaf, ca, k.Public(), caKey)))
	return p
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ours verifies a folder as trustfs does, by key or by authority, and says what is wrong.
func ours(t *testing.T, p place, trust string) string {
	t.Helper()
	trusted := must(keys.Parse(read(t, trust), "acme"))
	b, err := envelope.Parse(read(t, p.sig))
	if err != nil {
		return err.Error()
	}
	if b.Material() == envelope.ByChain {
		if id, _, err := b.VerifyChain(ctx, keys.Authorities(trusted), time.Now()); err != nil || id != "signer@example.com" {
			return "chain: " + id + " " + errorText(err)
		}
	} else if s, _, err := b.VerifyKey(ctx, trusted); s != keys.Valid {
		return "signature " + errorText(err)
	}
	payload, _, _, err := b.Payload()
	if err != nil {
		return err.Error()
	}
	m, err := Parse(must(envelope.ParseStatement(payload)))
	if err != nil {
		return err.Error()
	}
	r, err := m.VerifyFolder(ctx, os.DirFS(p.dir), "model.sig")
	if err != nil || !r.OK() {
		return "folder " + errorText(err)
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestInterop signs with each side and verifies with both, and changes the folder in each way that must fail in both.
func TestInterop(t *testing.T) {
	run := reference(t)
	changes := map[string]func(t *testing.T, p place){
		"":             func(*testing.T, place) {},
		"flipped byte": func(t *testing.T, p place) { write(t, filepath.Join(p.dir, "model.safetensors"), "weightz") },
		"renamed": func(t *testing.T, p place) {
			if err := os.Rename(filepath.Join(p.dir, "sub/config.json"), filepath.Join(p.dir, "sub/c.json")); err != nil {
				t.Fatal(err)
			}
		},
		"added":   func(t *testing.T, p place) { write(t, filepath.Join(p.dir, "extra.py"), "x") },
		"foreign": func(t *testing.T, p place) {}, // verified with another place's key
	}
	sign := map[string]func(t *testing.T, p place, by string){
		"reference": func(t *testing.T, p place, by string) {
			args := []string{"sign", by, p.dir, "--private_key", p.key, "--signature", p.sig}
			if by == "certificate" {
				args = append(args, "--signing_certificate", p.cert, "--certificate_chain", p.ca) // it fails without a chain
			}
			if out, err := run(args...); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		},
		"trustfs": func(t *testing.T, p place, by string) {
			var chain []byte
			if by == "certificate" {
				chain = read(t, p.cert)
			}
			s := must(ParseSigner(read(t, p.key), chain))
			write(t, p.sig, string(must(s.Sign(ctx, os.DirFS(p.dir), "m", "model.sig"))))
		},
	}
	for who, signWith := range sign {
		for _, by := range []string{"key", "certificate"} {
			for what, change := range changes {
				t.Run(strings.Join([]string{who, by, what}, "/"), func(t *testing.T) {
					p := newPlace(t)
					signWith(t, p, by)
					change(t, p)
					trusted := p
					if what == "foreign" {
						trusted = newPlace(t)
					}
					trust, args := trusted.pub, []string{"verify", by, p.dir, "--signature", p.sig, "--public_key", trusted.pub}
					if by == "certificate" {
						trust, args = trusted.ca, []string{"verify", by, p.dir, "--signature", p.sig, "--certificate_chain", trusted.ca}
					}
					out, err := run(args...)
					if (err == nil) != (what == "") {
						t.Errorf("the reference: %v\n%s", err, out)
					}
					if wrong := ours(t, p, trust); (wrong == "") != (what == "") {
						t.Errorf("trustfs: %q", wrong)
					}
				})
			}
		}
	}
}
