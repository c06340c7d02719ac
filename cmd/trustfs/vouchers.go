//go:build !lean

package main

import (
	"path"
	"slices"
	"strings"

	"trustfs/provenance"
)

// vouchers says who vouches for a file.
func vouchers(e *provenance.Evidence) (who []string) {
	if e.Pinned {
		who = append(who, "pinned by the operator")
	}
	if e.Checksum == provenance.ChecksumMatch && e.ChecksumTrusted {
		who = append(who, "listed in "+e.ChecksumList)
	}
	if e.Signature.Status == provenance.SignatureValid {
		who = append(who, signatureWords(e.Signature))
	}
	if e.SBOM == provenance.SBOMMatch {
		who = append(who, "named in the SBOM "+e.SBOMFile)
	}
	return who
}

func signatureWords(s provenance.Signature) string {
	words := "signature " + s.Status + ": " + s.Kind
	if s.Identity != "" {
		words += " by " + s.Identity
	}
	if s.Issuer != "" {
		words += " (" + s.Issuer + ")"
	}
	if s.Status != provenance.SignatureValid && s.Detail != "" {
		words += ": " + s.Detail
	}
	return words
}

// describes says that a file in a folder speaks about models rather than being one, by its name: documents, and the
// evidence itself. It decides only what this command asks vouchers for; an open goes by content.
func describes(name string) bool {
	base := strings.ToLower(path.Base(name))
	switch path.Ext(base) {
	case ".sig", ".minisig", ".sigstore", ".bundle", ".sha256", ".json", ".jsonl", ".md", ".txt", ".yaml", ".yml", ".png", ".jpg":
		return true
	}
	return slices.Contains([]string{"sha256sums", "license", "readme", "notice", ".gitattributes", ".gitignore"}, base)
}
