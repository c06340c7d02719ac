// Package sbom reads bills of materials (SPDX 2.2 and 2.3, SPDX 3.0, CycloneDX 1.4 to 1.6) and says which files they are
// about: a document that does not name a file's digest says nothing about it.
package sbom

import "trustfs/integrity"

// MaxBytes bounds a document. Larger ones are refused before they are read.
const MaxBytes = 16 << 20

// Kinds of documents.
const (
	SPDX2     = "spdx-2"
	SPDX3     = "spdx-3"
	CycloneDX = "cyclonedx"
)

// A Document is a parsed SBOM.
type Document struct {
	Kind string
	Raw  any // the JSON as it stands, for policies: map[string]any and so on; nil in a bare one
	sums map[integrity.Digest]bool
}

// Names says whether the document is about a file with this SHA-256.
func (d *Document) Names(sum integrity.Digest) bool { return d.sums[sum] }

// Digests is how many SHA-256 digests the document names.
func (d *Document) Digests() int { return len(d.sums) }

// Bare is the document without its JSON: it tells what it names, and takes little memory.
func (d *Document) Bare() *Document { return &Document{Kind: d.Kind, sums: d.sums} }
