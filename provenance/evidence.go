package provenance

import (
	"io"
	"os"

	"trustfs/formats"
	"trustfs/integrity"
)

// A Tree gives access to what lies beside a file. Open gives regular files below the tree's root by their slash-separated
// path; an absent one is fs.ErrNotExist, and no link leads out of the root.
//
// A tree may also have Follow(path) (*os.File, error), which follows links that stay in the tree (sidecars in a Hugging
// Face snapshot are links), and ReadDir(path) ([]os.DirEntry, error), which lets signed folders be checked for files that
// their manifest does not name.
type Tree interface {
	Open(path string) (*os.File, error)
}

// A Subject is one file whose bytes are known by digest.
type Subject struct {
	Path   string   // below the tree's root, slash-separated
	Links  []string // other names in the tree that lead to the same file, as snapshots do in a Hugging Face cache
	SHA256 integrity.Digest
	Size   int64
	File   io.ReaderAt // the verified bytes; nil where signatures over the bytes themselves cannot be checked
}

// names are all the names under which evidence is looked for, Path first.
func (s Subject) names() []string {
	return append([]string{s.Path}, s.Links...)
}

// States of Evidence.Checksum.
const (
	ChecksumNone     = "none"     // no list covers the file's folder
	ChecksumMatch    = "match"    // every entry for the file names its digest
	ChecksumMismatch = "mismatch" // some entry names another digest
	ChecksumUnlisted = "unlisted" // there are lists, and none names the file
)

// States of Signature.Status. The zero value counts as SignatureNone.
const (
	SignatureNone         = "none"
	SignatureValid        = "valid"        // good, and by a trusted signer
	SignatureUntrusted    = "untrusted"    // good, and by somebody the configuration does not name
	SignatureInvalid      = "invalid"      // by a trusted signer's key or chain, and not for these bytes; or forged
	SignatureUnverifiable = "unverifiable" // there is one, and it cannot be checked: no key, no trusted root, malformed
)

// Kinds of signatures.
const (
	KindSigstore     = "sigstore"
	KindModelSigning = "model-signing"
	KindKey          = "key"
)

// A Signature is what one signature says of the file.
type Signature struct {
	Status   string `json:"status"`
	Kind     string `json:"kind,omitempty"`
	Identity string `json:"identity,omitempty"` // mail address, URI, or the configured name of a key
	Issuer   string `json:"issuer,omitempty"`   // who vouched for the identity: an OIDC issuer, or a certificate's issuer
	Detail   string `json:"detail,omitempty"`   // for people: which file, what was wrong
}

// States of Evidence.SBOM.
const (
	SBOMNone      = "none"
	SBOMMatch     = "match"     // an SBOM names the file's digest
	SBOMUnrelated = "unrelated" // there are SBOMs, and none names the file's digest: they say nothing about it
	SBOMMalformed = "malformed"
)

// Evidence is everything known about where a file comes from.
type Evidence struct {
	Pinned  bool     // the operator has pinned this digest
	Accepts []string // rules that the pin accepts, sorted

	Checksum        string // one of the Checksum* states
	ChecksumTrusted bool   // the match is by a list that the configuration names
	ChecksumList    string // the list that decided the state
	Expected        string // hexadecimal digest the list names, on a mismatch
	Actual          string // hexadecimal digest the file has, on a mismatch

	Signature Signature // the one that decides; see merge

	SBOM     string // one of the SBOM* states
	SBOMFile string // where it was found
	// SBOMTrusted says that the configuration names the SBOM. One that lies beside the file is its supplier's own word.
	SBOMTrusted bool
	SBOMDoc     any // the document, as the policy sees it; nil when there is none

	// Findings are about the evidence itself: lines that cannot be read, files that are no SBOM. The function Findings
	// adds to them what the state means for the file.
	Findings []formats.Finding
	// Inputs names every list and sidecar that was looked at, absent ones too. See Current.
	Inputs []InputID
}

// acquits says whether something with its root outside the tree vouches for the file.
func (e *Evidence) acquits() bool {
	return e.Pinned || e.Checksum == ChecksumMatch && e.ChecksumTrusted || e.Signature.Status == SignatureValid
}
