// Package modelsigning reads, checks and writes the manifests of OpenSSF model signing (https://github.com/ossf/model-signing-spec,
// version 1 of the predicate): an in-toto statement that lists the files of a folder with their digests. Who signed it is
// checked by the packages envelope and sigstore.
package modelsigning

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"trustfs/provenance/envelope"
)

// PredicateType names the manifests that this package knows.
const PredicateType = "https://model_signing/signature/v1.0"

// maxResources bounds the entries of a manifest.
const maxResources = 1 << 20

// A Manifest lists what was signed.
type Manifest struct {
	Name          string // of the model, for people
	Method        string // "files" or "shards"
	HashType      string // "sha256", "blake2b" or "blake3"
	ShardSize     int64  // bytes; 0 for files
	AllowSymlinks bool
	Ignore        []string // paths that do not belong to the model, with all below them

	entries map[string][]entry
}

// An entry is one file, or a part of it.
type entry struct {
	start, end int64 // end is 0 for a whole file
	digest     []byte
}

type wirePredicate struct {
	Serialization struct {
		Method        string   `json:"method"`
		HashType      string   `json:"hash_type"`
		ShardSize     int64    `json:"shard_size,omitempty"`
		AllowSymlinks bool     `json:"allow_symlinks"`
		IgnorePaths   []string `json:"ignore_paths,omitempty"`
	} `json:"serialization"`
	Resources []wireResource `json:"resources"`
}

type wireResource struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

// IsManifest says that a statement claims to be a manifest.
func IsManifest(s *envelope.Statement) bool { return s.PredicateType == PredicateType }

// Parse reads the manifest in a statement. It refuses names that lead out of the folder, a file that is listed twice, and a
// subject that is not the digest over the entries.
func Parse(s *envelope.Statement) (*Manifest, error) {
	if !IsManifest(s) {
		return nil, fmt.Errorf("predicate type %.80q; expected %s", s.PredicateType, PredicateType)
	}
	var w wirePredicate
	if err := json.Unmarshal(s.Predicate, &w); err != nil { // checked to be strict JSON with the statement
		return nil, fmt.Errorf("model signing: %w", err)
	}
	m := &Manifest{
		Method: w.Serialization.Method, HashType: hashName(w.Serialization.HashType), ShardSize: w.Serialization.ShardSize,
		AllowSymlinks: w.Serialization.AllowSymlinks, entries: map[string][]entry{},
	}
	for _, p := range w.Serialization.IgnorePaths {
		if p = path.Clean(p); inside(p) && p != "." {
			m.Ignore = append(m.Ignore, p)
		}
	}
	switch {
	case m.Method != "files" && m.Method != "shards":
		return nil, fmt.Errorf("model signing: serialization method %.40q; expected files or shards", m.Method)
	case m.Method == "shards" && m.ShardSize <= 0:
		return nil, fmt.Errorf("model signing: shards of %d bytes", m.ShardSize)
	case newHash(m.HashType) == nil:
		return nil, fmt.Errorf("model signing: hash type %.40q; expected sha256, blake2b or blake3", m.HashType)
	case len(w.Resources) > maxResources:
		return nil, fmt.Errorf("model signing: %d entries, at most %d", len(w.Resources), maxResources)
	case len(s.Subject) != 1:
		return nil, fmt.Errorf("model signing: %d subjects; expected one", len(s.Subject))
	}
	m.Name = s.Subject[0].Name
	return m, m.fill(w.Resources, s.Subject[0].Digest["sha256"])
}

// fill takes the entries in, and checks that root is the SHA-256 over their digests in order.
func (m *Manifest) fill(resources []wireResource, root string) error {
	h := sha256.New()
	for i, r := range resources {
		e, name, err := m.entry(r)
		if err != nil {
			return fmt.Errorf("model signing: entry %d: %w", i+1, err)
		}
		if m.Method == "files" && len(m.entries[name]) > 0 {
			return fmt.Errorf("model signing: entry %d: %.200q is listed twice", i+1, name)
		}
		m.entries[name] = append(m.entries[name], e)
		h.Write(e.digest)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(root) {
		return fmt.Errorf("model signing: the entries hash to %.16s, the subject says %.16s", got, root)
	}
	return nil
}

func (m *Manifest) entry(r wireResource) (e entry, name string, err error) {
	want := m.HashType
	if m.Method == "shards" {
		want += "-sharded-" + strconv.FormatInt(m.ShardSize, 10)
	}
	if a := r.Algorithm; hashName(a) != want && a != want {
		return e, "", fmt.Errorf("algorithm %.60q; expected %s", a, want)
	}
	if e.digest, err = hex.DecodeString(r.Digest); err != nil || len(e.digest) != newHash(m.HashType).Size() {
		return e, "", fmt.Errorf("the digest of %.200q is no %s", r.Name, m.HashType)
	}
	name = r.Name
	if m.Method == "shards" {
		if name, e.start, e.end, err = splitShard(r.Name); err != nil {
			return e, "", err
		}
	}
	if name == "" || !inside(name) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00") {
		return e, "", fmt.Errorf("the name %.200q leads out of the model, or is not in its plain form", r.Name)
	}
	return e, name, nil
}

// splitShard parts "name:start:end". The package that writes it cannot tell a colon in a name from its own; here a name
// with one is refused as it is there.
func splitShard(s string) (name string, start, end int64, err error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return "", 0, 0, fmt.Errorf("%.200q; expected name:start:end", s)
	}
	start, err1 := strconv.ParseInt(parts[1], 10, 64)
	end, err2 := strconv.ParseInt(parts[2], 10, 64)
	if errors.Join(err1, err2) != nil || start < 0 || end <= start {
		return "", 0, 0, fmt.Errorf("%.200q is not a range of bytes", s)
	}
	return parts[0], start, end, nil
}

func inside(p string) bool {
	return p != ".." && !strings.HasPrefix(p, "../") && !strings.HasPrefix(p, "/")
}

// hashName maps the two names that BLAKE2b goes by.
func hashName(s string) string {
	if s == "blake2" {
		return "blake2b"
	}
	return s
}
