package modelsigning

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"trustfs/integrity"
)

// A Result is what a manifest says of one file. The zero value is Unlisted.
type Result int

// The results of a check.
const (
	Unlisted Result = iota
	Match
	Mismatch
	Ignored // the signer said that it does not belong to the model
)

// ErrNoBytes says that the manifest is not in SHA-256 over whole files and the bytes are not at hand.
var ErrNoBytes = errors.New("the manifest is not in SHA-256 over whole files, and the bytes are not at hand")

func newHash(name string) hash.Hash {
	switch name {
	case "sha256":
		return sha256.New()
	case "blake2b":
		h, _ := blake2b.New512(nil) // fails for a key only
		return h
	case "blake3":
		return blake3.New(32, nil)
	}
	return nil
}

// Self is the name under which a model that is a single file is listed.
const Self = "."

// Check holds a file against its entry. name is relative to the signed folder, or Self for the model that is one file. r
// is read only for manifests that are not in SHA-256 over whole files.
func (m *Manifest) Check(ctx context.Context, name string, sum integrity.Digest, r io.ReaderAt, size int64) (Result, error) {
	entries := m.entries[path.Clean(name)]
	switch {
	case len(entries) == 0 && m.ignores(name):
		return Ignored, nil
	case len(entries) == 0:
		return Unlisted, nil
	case m.Method == "files" && m.HashType == "sha256":
		return verdict(bytes.Equal(entries[0].digest, sum[:])), nil
	case m.Method == "shards" && !m.tiles(entries, size):
		return Mismatch, nil
	case r == nil:
		return Unlisted, ErrNoBytes
	}
	for _, e := range entries {
		end := e.end
		if m.Method == "files" {
			end = size
		}
		got, err := m.hashOf(ctx, io.NewSectionReader(r, e.start, end-e.start))
		if err != nil {
			return Unlisted, err
		}
		if !bytes.Equal(got, e.digest) {
			return Mismatch, nil
		}
	}
	return Match, nil
}

func verdict(match bool) Result {
	if match {
		return Match
	}
	return Mismatch
}

// tiles says whether the shards cover size bytes without gap or overlap, in shards of the manifest's size.
func (m *Manifest) tiles(entries []entry, size int64) bool {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b entry) int { return int(min(1, max(-1, a.start-b.start))) })
	var at int64
	for _, e := range sorted {
		if e.start != at || e.end != at+min(m.ShardSize, size-at) {
			return false
		}
		at = e.end
	}
	return at == size
}

func (m *Manifest) hashOf(ctx context.Context, r *io.SectionReader) ([]byte, error) {
	h := newHash(m.HashType)
	buf := make([]byte, min(1<<20, max(r.Size(), 1)))
	for left := r.Size(); left > 0; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(r, buf[:min(int64(len(buf)), left)])
		if err != nil {
			return nil, err
		}
		h.Write(buf[:n])
		left -= int64(n)
	}
	return h.Sum(nil), nil
}

// gitPaths are what the reference implementation leaves out whether the manifest says so or not.
var gitPaths = []string{".git", ".gitattributes", ".github", ".gitignore"}

func (m *Manifest) ignores(name string) bool {
	for _, p := range slices.Concat(m.Ignore, gitPaths) {
		if name == p || strings.HasPrefix(name, p+"/") {
			return true
		}
	}
	return false
}

// Names calls yield with each listed file, in no order.
func (m *Manifest) Names(yield func(name string) bool) {
	for n := range m.entries {
		if !yield(n) {
			return
		}
	}
}
