package trust

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"trustfs/integrity"
	"trustfs/internal/beneath"
	"trustfs/provenance"
	"trustfs/provenance/modelsigning"
)

// newKey writes a key pair and gives the private key's PEM.
func newKey(t *testing.T, pub string) []byte {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	put(t, pub, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	if der, err = x509.MarshalPKCS8PrivateKey(k); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// signedTree is a folder with one file, "weights", signed by key.
func signedTree(t *testing.T, key []byte) (*beneath.Root, provenance.Subject) {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "m.bin"), "weights")
	s, err := modelsigning.ParseSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign(context.Background(), fstest.MapFS{"m.bin": {Data: []byte("weights")}}, "m", "model.sig")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "model.sig"), string(sig))
	root, err := beneath.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	r := bytes.NewReader([]byte("weights"))
	file, err := os.Open(filepath.Join(dir, "m.bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	m, err := integrity.Build(context.Background(), file, r.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return root, provenance.Subject{Path: "m.bin", SHA256: m.Digest, Size: m.Size, File: r}
}

// setup is a configuration that lists the trusted keys, one a line, and an examiner under it.
func setup(t *testing.T) (x *Examiner, config, key string, status func() string, log *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	config, key = filepath.Join(dir, "keys"), filepath.Join(dir, "k.pub")
	root, subject := signedTree(t, newKey(t, key))
	put(t, config, key)
	log = &bytes.Buffer{}
	x, err := New([]string{config}, func() (provenance.Options, error) {
		b, err := os.ReadFile(config)
		o := provenance.Options{}
		for _, f := range strings.Fields(string(b)) {
			o.TrustKeys = append(o.TrustKeys, provenance.TrustKey{File: f})
		}
		return o, err
	}, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return x, config, key, func() string {
		e, err := x.Evidence(context.Background(), root, subject)
		if err != nil {
			return "error"
		}
		return e.Signature.Status
	}, log
}

func TestTrustFollowsItsFiles(t *testing.T) {
	x, config, key, status, log := setup(t)
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	good := x.Epoch()
	steps := []struct {
		name   string
		change func()
		want   string
	}{
		{"at first", func() {}, provenance.SignatureValid},
		{"the key is struck out", func() { put(t, config, "\n") }, provenance.SignatureUnverifiable},
		{"and back", func() { put(t, config, key) }, provenance.SignatureValid},
		{"another key in its file", func() { newKey(t, key) }, provenance.SignatureInvalid},
		{"a file that is no key", func() { put(t, key, "no key") }, "error"},
		{"mended", func() { put(t, key, string(text)) }, provenance.SignatureValid},
		{"a key that others may write", func() { must(t, os.Chmod(key, 0o666)) }, "error"},
		{"mended again", func() { must(t, os.Chmod(key, 0o600)) }, provenance.SignatureValid},
		{"the key is gone", func() { must(t, os.Remove(key)) }, "error"},
		{"the configuration too", func() { must(t, os.Remove(config)) }, "error"},
		{"the key alone is back", func() { put(t, key, string(text)) }, "error"},
		{"all is back", func() { put(t, config, key) }, provenance.SignatureValid},
	}
	before := good
	for i, step := range steps {
		step.change()
		epoch := x.Epoch()
		if i > 0 && epoch == before && step.want != "error" {
			t.Errorf("%s: the epoch is the one before", step.name)
		}
		if got := status(); got != step.want {
			t.Errorf("%s: %s, expected %s", step.name, got, step.want)
		}
		if (x.Err() != nil) != (step.want == "error") {
			t.Errorf("%s: %v", step.name, x.Err())
		}
		before = epoch
	}
	if x.Epoch() != good {
		t.Error("the same trust has another epoch: every verdict would be made anew")
	}
	for _, want := range []string{`"ok":false`, `"ok":true,"mended":true`, `"ok":true,"mended":false`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestTrustThatCannotBeReadDoesNotStart(t *testing.T) {
	_, err := New(nil, func() (provenance.Options, error) {
		return provenance.Options{TrustKeys: []provenance.TrustKey{{File: filepath.Join(t.TempDir(), "absent")}}}, nil
	}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Error("started without a key that it was told of")
	}
}

// A file that has settled is not read again: its stamp answers.
func TestSettledFilesAreNotReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	put(t, file, "x")
	s := stamps([]string{file})[0]
	if !s.outdated() {
		t.Error("a file written just now is taken as settled: a second change could hide behind the same timestamp")
	}
	s.racy = false
	if s.outdated() {
		t.Error("a file that stayed as it was is outdated")
	}
	put(t, file, "longer")
	if !s.outdated() {
		t.Error("a changed file is not outdated")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
