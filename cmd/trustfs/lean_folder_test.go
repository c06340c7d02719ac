package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"trustfs/provenance/modelsigning"
	"trustfs/testdata/gen"
)

// leanFolder is a folder with the sample tree in models, every kind of evidence in it, and the files that leanCases name.
func leanFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := gen.Write(in("models"), in("marker")); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(in("models/bert-tiny/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"listed", "raw", "billed", "signed", "folder", "folder/deep", "claims", "named"} {
		put(t, in("models/"+d+"/model.safetensors"), string(weights), 0o644)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(weights))
	put(t, in("models/listed/checksums.txt"), sum+"  model.safetensors\n", 0o644)
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"file","name":"m","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}]}`
	put(t, in("bill.json"), bill, 0o644)
	put(t, in("models/billed/model.cdx.json"), bill, 0o644)
	signed := signLean(t, in("key.pub"), dir, weights)
	put(t, in("models/raw/model.safetensors.sig"), signed.raw, 0o644)
	put(t, in("models/signed/model.safetensors.sig"), signed.bundle, 0o644)
	put(t, in("models/folder/model.sig"), signed.bundle, 0o644)
	put(t, in("models/claims/claims.jsonl"), "\n"+signed.bundle+"\n", 0o644)
	put(t, in("models/named/model.safetensors.sigstore.json"), "{}", 0o644)

	pin := strings.Fields("pin --state state --profile content models/bert-tiny/pytorch_model.bin")
	if out := runProgram(t, dir, testBinary(t), pin); !strings.HasPrefix(out, "exit 0") {
		t.Fatal(out)
	}
	put(t, in("content.yaml"), "profile: content\n", 0o644)
	put(t, in("wrong.yaml"), "no-such-key: 1\n", 0o644)
	put(t, in("noworker.yaml"), "jail: {worker: /nowhere/trustfs-worker}\n", 0o644)
	put(t, in("notjailed.yaml"), "jail: {worker: /bin/true}\n", 0o644)
	put(t, in("no.rego"), "package trustfs\nimport rego.v1\ndeny contains \"never\" if true\n", 0o644)
	put(t, in("policy.yaml"), "policy: ["+in("no.rego")+"]\n", 0o644)
	put(t, in("root.json"), "{}", 0o644)
	for name, size := range map[string]int64{"large": fewBytes + 1, "huge/one": fewBytes/2 + 1, "huge/two": fewBytes / 2} {
		put(t, in(name), "", 0o644)
		if err := os.Truncate(in(name), size); err != nil {
			t.Fatal(err)
		}
	}
	leanTrees(t, dir)
	return dir
}

// leanTrees makes the folders that leanCases name beside models: a cache as the Hugging Face library lays it out, one with all
// kinds of entries, an empty one, and one with as many files as the lean program judges.
func leanTrees(t *testing.T, dir string) {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	evil, err := os.ReadFile(in("models/hostile/eval.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, in("mixed/a/b/c/eval.pkl"), string(evil), 0o644)
	put(t, in("mixed/a/b/eval.txt"), string(evil), 0o644)
	put(t, in("mixed/a/empty.bin"), "", 0o644)
	put(t, in("mixed/a/locked.pkl"), string(evil), 0)
	put(t, in("mixed/a/checksums.txt"), fmt.Sprintf("%x  b/eval.txt\n%x  b/c/eval.pkl\n", sha256.Sum256(evil), sha256.Sum256(nil)), 0o644)
	err = errors.Join(unix.Mkfifo(in("mixed/fifo"), 0o644), os.Symlink("a/b", in("mixed/inside")), os.Symlink("../models", in("mixed/outside")),
		os.Symlink("nowhere", in("mixed/dangling")), os.Mkdir(in("empty"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	for i := range fewFiles {
		put(t, in(fmt.Sprintf("many/%d/%d.json", i%7, i)), fmt.Sprint(i), 0o644)
	}
}

// signLean signs weights with a new key: bare, and as a bundle of model signing.
func signLean(t *testing.T, pub, dir string, weights []byte) (signed struct{ raw, bundle string }) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	put(t, pub, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), 0o644)
	sum := sha256.Sum256(weights)
	raw, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	signer, err := modelsigning.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := signer.Sign(t.Context(), fstest.MapFS{"model.safetensors": {Data: weights}}, "m", "model.sig")
	if err != nil {
		t.Fatal(err)
	}
	return struct{ raw, bundle string }{string(raw), string(bundle)}
}

// toldProgram is the lean program before an engine that only says how it was called.
func toldProgram(t *testing.T, front string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "trustfs-engine"), "#!/bin/sh\necho \"engine: $*\"\nexit 77\n", 0o755)
	return copyProgram(t, front, filepath.Join(dir, "trustfs"))
}

func copyProgram(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, string(b), 0o755) // makes the folder too
	return to
}

func put(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}
