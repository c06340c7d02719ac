package provenance

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/internal/beneath"
)

// wayTree is a tree with what the configuration may name in it, and a clone that holds files of the attacker's making.
func wayTree(t *testing.T) (dir string, root *beneath.Root) {
	t.Helper()
	dir = t.TempDir()
	bill := fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"file","name":"m","hashes":[{"alg":"SHA-256","content":%q}]}]}`, sumOf("model"))
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(pub))}))
	files := map[string]string{"a/b/m.bin": "model"}
	for _, folder := range []string{"a/b", "clone"} {
		files[folder+"/list"] = sumOf("model") + "  m.bin\n" + sumOf("model") + "  a/b/m.bin\n"
		files[folder+"/bill"], files[folder+"/key"] = bill, key
	}
	write(t, dir, files)
	for _, folder := range []string{".", "a", "a/b", "clone"} {
		if err := os.Chmod(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if root, err = beneath.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return dir, root
}

// relied says whether a file of the configuration, named by its host path, is relied on.
func relied(t *testing.T, kind, dir, host string, tree Tree) (bool, error) {
	t.Helper()
	o := Options{Root: dir}
	switch kind {
	case "list":
		o.Checksums = []string{host}
	case "bill":
		o.SBOMs = []string{host}
	case "key":
		o.TrustKeys = []TrustKey{{File: host}}
	}
	v, err := New(o)
	if err != nil {
		return false, err
	}
	e, err := v.Evidence(context.Background(), tree, subject("a/b/m.bin", "model"))
	if err != nil {
		return false, err
	}
	return kind == "key" || e.Checksum == ChecksumMatch && e.ChecksumTrusted || e.SBOM == SBOMMatch && e.SBOMTrusted, nil
}

// TestTheWayToWhatAcquits has others put a file of root's own where the configuration names one, or able to.
func TestTheWayToWhatAcquits(t *testing.T) {
	at := func(dir, name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		name, want string // want: part of the error, "" for none
		root       bool   // needs root to be prepared
		spoil      func(dir, kind string) error
	}{
		{"as it should be", "", false, func(string, string) error { return nil }},
		{"a link to another of the owner's files", "a/b/KIND is a link", false, func(d, kind string) error {
			return errors.Join(os.Remove(at(d, "a/b/"+kind)), os.Symlink("../../clone/"+kind, at(d, "a/b/"+kind)))
		}},
		{"a link on the way", "a/b is a link", false, func(d, _ string) error {
			return errors.Join(os.Rename(at(d, "a/b"), at(d, "old")), os.Symlink("../clone", at(d, "a/b")))
		}},
		{"a link first on the way", "a is a link", false, func(d, _ string) error {
			return errors.Join(os.Rename(at(d, "a"), at(d, "real")), os.Symlink("real", at(d, "a")))
		}},
		{"the root is the group's too", "the tree's root lets others write (mode 0775)", false, func(d, _ string) error { return os.Chmod(d, 0o775) }},
		{"a folder that all can write to", "a lets others write (mode 0757)", false, func(d, _ string) error { return os.Chmod(at(d, "a"), 0o757) }},
		{"a sticky folder", "a/b lets others write (mode 1777)", false, func(d, _ string) error { return os.Chmod(at(d, "a/b"), 0o777|os.ModeSticky) }},
		{"somebody's folder", "a belongs to user 4711", true, func(d, _ string) error { return os.Chown(at(d, "a"), 4711, 0) }},
		{"somebody's root", "the tree's root belongs to user 4711", true, func(d, _ string) error { return os.Chown(d, 4711, 0) }},
		{"somebody's file", "belongs to user 4711", true, func(d, kind string) error { return os.Chown(at(d, "a/b/"+kind), 4711, 0) }},
		{"a file that the group can write to", "lets others write", false, func(d, kind string) error { return os.Chmod(at(d, "a/b/"+kind), 0o664) }},
		{"gone", "is not there", false, func(d, kind string) error { return os.Remove(at(d, "a/b/"+kind)) }},
		{"a folder in its place", "a/b/KIND is not a regular file", false, func(d, kind string) error {
			return errors.Join(os.Remove(at(d, "a/b/"+kind)), os.Mkdir(at(d, "a/b/"+kind), 0o755))
		}},
	}
	for _, tt := range tests {
		if tt.root && os.Geteuid() != 0 {
			t.Logf("SKIPPED, NOT TESTED: %s: needs root to give files away", tt.name)
			continue
		}
		for _, kind := range []string{"list", "bill", "key"} {
			dir, tree := wayTree(t)
			if ok, err := relied(t, kind, dir, at(dir, "a/b/"+kind), tree); !ok {
				t.Fatalf("%s: %s before: %v", tt.name, kind, err)
			}
			if err := tt.spoil(dir, kind); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(tt.want, "KIND", kind)
			ok, err := relied(t, kind, dir, at(dir, "a/b/"+kind), tree)
			if ok != (want == "") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: %s relied on: %v, %v; want %q", tt.name, kind, ok, err, want)
			}
		}
	}
}

// TestOutsideNames are files that the configuration names outside the tree: links are the operator's there (Kubernetes
// mounts configuration as links), unless they lead back in.
func TestOutsideNames(t *testing.T) {
	for _, kind := range []string{"list", "bill"} {
		dir, tree := wayTree(t)
		out := t.TempDir()
		b := must(os.ReadFile(filepath.Join(dir, "clone", kind)))
		write(t, out, map[string]string{"..data/" + kind: string(b)})
		for link, to := range map[string]string{kind: "..data/" + kind, "back": filepath.Join(dir, "a/b", kind)} {
			if err := os.Symlink(to, filepath.Join(out, link)); err != nil {
				t.Fatal(err)
			}
		}
		if ok, err := relied(t, kind, dir, filepath.Join(out, kind), tree); !ok {
			t.Errorf("%s by a link outside: %v", kind, err)
		}
		if ok, err := relied(t, kind, dir, filepath.Join(out, "back"), tree); ok || err == nil || !strings.Contains(err.Error(), "lies in the tree") {
			t.Errorf("%s in the tree, named outside: %v, %v", kind, ok, err)
		}
	}
}

// TestRootByAnotherName has the operator call the root by a link: the files in it are in it, and held to its ways.
func TestRootByAnotherName(t *testing.T) {
	for _, kind := range []string{"list", "bill", "key"} {
		dir, tree := wayTree(t)
		alias := filepath.Join(t.TempDir(), "models")
		if err := os.Symlink(dir, alias); err != nil {
			t.Fatal(err)
		}
		for _, names := range [][2]string{{dir, alias}, {alias, dir}, {alias, alias}} {
			if ok, err := relied(t, kind, names[0], filepath.Join(names[1], "a/b", kind), tree); !ok {
				t.Errorf("%s by another name of the root: %v", kind, err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, "a"), 0o775); err != nil {
			t.Fatal(err)
		}
		for _, names := range [][2]string{{dir, alias}, {alias, dir}, {alias, alias}} {
			if ok, err := relied(t, kind, names[0], filepath.Join(names[1], "a/b", kind), tree); ok || err == nil || !strings.Contains(err.Error(), "lets others write") {
				t.Errorf("%s by another name of the root, in a folder of others: %v, %v", kind, ok, err)
			}
		}
		if err := errors.Join(os.Chmod(filepath.Join(dir, "a"), 0o755), os.Symlink(".", filepath.Join(dir, "a/c"))); err != nil {
			t.Fatal(err)
		}
		ok, err := relied(t, kind, dir, filepath.Join(alias, "a/c/b", kind), tree)
		if asked := kind != "list"; ok || asked != (err != nil) || asked && !strings.Contains(err.Error(), "a/c is a link") { // the list is of a/c/b alone
			t.Errorf("%s by another name of the root, then a link: %v, %v", kind, ok, err)
		}
	}
}

// TestSwappedBetweenOpens is the attack as a whole: the list was good when the first file was judged.
func TestSwappedBetweenOpens(t *testing.T) {
	dir, tree := wayTree(t)
	list := filepath.Join(dir, "a/b/list")
	v := must(New(Options{Root: dir, Checksums: []string{list}}))
	if e, err := v.Evidence(context.Background(), tree, subject("a/b/m.bin", "model")); err != nil || !e.ChecksumTrusted {
		t.Fatal(e, err)
	}
	write(t, dir, map[string]string{"clone/list": sumOf("evil") + "  m.bin\n"})
	if err := errors.Join(os.Rename(list, list+".old"), os.Symlink("../../clone/list", list)); err != nil {
		t.Fatal(err)
	}
	if e, err := v.Evidence(context.Background(), tree, subject("a/b/m.bin", "evil")); err == nil {
		t.Errorf("checksum %s, trusted %v", e.Checksum, e.ChecksumTrusted)
	}
}

// A tree that cannot tell whose its folders are is none to rely on.
func TestNoWayToTell(t *testing.T) {
	dir, _ := wayTree(t)
	for _, kind := range []string{"list", "bill"} {
		if ok, err := relied(t, kind, dir, filepath.Join(dir, "a/b", kind), openTree{dirTree(dir)}); ok || err == nil {
			t.Errorf("%s: %v, %v", kind, ok, err)
		}
	}
}
