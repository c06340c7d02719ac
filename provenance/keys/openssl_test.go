package keys

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOpenSSLAndSSH checks signatures and keys that openssl and ssh-keygen write, each over message and over another file.
func TestOpenSSLAndSSH(t *testing.T) {
	for _, tool := range []string{"openssl", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: signatures as openssl writes them are not checked: %v", err)
		}
	}
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "m"), message, 0o644); err != nil {
		t.Fatal(err)
	}
	gen := func(args ...string) { run("openssl", append([]string{"genpkey", "-out", "k"}, args...)...) }
	dgst := func(args ...string) func() {
		return func() { run("openssl", append(append([]string{"dgst", "-sign", "k", "-out", "s"}, args...), "m")...) }
	}
	tests := []struct {
		name string
		gen  []string
		sign func()
	}{
		{"ECDSA P-256", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, dgst("-sha256")},
		{"ECDSA P-384", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, dgst("-sha384")},
		{"RSA", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, dgst("-sha256")},
		{"RSA PSS", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, dgst("-sha512", "-sigopt", "rsa_padding_mode:pss")},
		{"Ed25519", []string{"-algorithm", "ed25519"}, func() { run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "k", "-in", "m", "-out", "s") }},
		{"by digest", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, func() {
			run("openssl", "dgst", "-sha256", "-binary", "-out", "d", "m")
			run("openssl", "pkeyutl", "-sign", "-inkey", "k", "-in", "d", "-out", "s", "-pkeyopt", "digest:sha256")
		}},
		{"base64", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, func() {
			run("openssl", "dgst", "-sha256", "-sign", "k", "-out", "b", "m")
			run("openssl", "base64", "-in", "b", "-out", "s") // in lines of 64
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			gen(tt.gen...)
			run("openssl", "pkey", "-in", "k", "-pubout", "-out", "p")
			tt.sign()
			trusted := must(Parse(must(os.ReadFile(filepath.Join(dir, "p"))), "acme"))
			sig := must(ParseSignature(must(os.ReadFile(filepath.Join(dir, "s")))))
			check(t, "the file", trusted, sig, target(message), Valid)
			check(t, "another file", trusted, sig, target(message[1:]), Invalid)
		})
	}
	run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id")
	if k, err := Parse(must(os.ReadFile(filepath.Join(dir, "id.pub"))), ""); err != nil || len(k) != 1 {
		t.Errorf("an SSH public key: %v, %v", k, err)
	}
	if _, err := Parse(must(os.ReadFile(filepath.Join(dir, "id"))), ""); err != ErrPrivate {
		t.Errorf("an SSH private key: %v", err)
	}
}
