// Package sigstore checks Sigstore bundles offline, against a trusted root that the operator has: certificate, log entry,
// timestamps, signature. Whether the signer is trusted is the caller's to decide; this package only says who it was.
package sigstore

import (
	"errors"
	"io"

	"trustfs/integrity"
)

// MaxRootBytes bounds a trusted root's file.
const MaxRootBytes = 16 << 20

// Thresholds say how much evidence a bundle must bring. A negative number means none of that kind; DefaultThresholds are
// what the public instance gives.
type Thresholds struct {
	LogEntries   int // entries in transparency logs
	Timestamps   int // times that an authority or a log vouches for
	Certificates int // signed certificate timestamps
}

// DefaultThresholds ask for one of each.
func DefaultThresholds() Thresholds { return Thresholds{1, 1, 1} }

// A Signer is who signed, as a certificate authority of the trusted root vouches.
type Signer struct {
	Identity string // the certificate's subject alternative name: a mail address or a URI
	Issuer   string // the OpenID Connect issuer that knew the identity
}

// An Artifact is the file that a bundle must be about.
type Artifact struct {
	SHA256 integrity.Digest
	Size   int64
	Bytes  io.ReaderAt // needed only for a bundle over another digest
}

// ErrNoBytes says that a bundle is over another digest than SHA-256 and the bytes are not at hand.
var ErrNoBytes = errors.New("the bundle is over another digest than SHA-256, and the bytes are not at hand")
