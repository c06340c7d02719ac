//go:build !lean

package sigstore

import (
	"context"
	"crypto"
	_ "crypto/sha512" // SHA-384 and SHA-512, for bundles over those digests
	"errors"
	"fmt"
	"io"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"trustfs/provenance/envelope"
)

// A Verifier checks bundles against one trusted root. It is safe for parallel use.
type Verifier struct{ v *verify.Verifier }

// New makes a Verifier of a trusted_root.json.
func New(trustedRoot []byte, t Thresholds) (*Verifier, error) {
	if len(trustedRoot) > MaxRootBytes {
		return nil, fmt.Errorf("trusted root: %d bytes, at most %d are read", len(trustedRoot), MaxRootBytes)
	}
	m, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return nil, fmt.Errorf("trusted root: %w", err)
	}
	return NewWith(m, t)
}

// NewWith makes a Verifier of trusted material.
func NewWith(m root.TrustedMaterial, t Thresholds) (*Verifier, error) {
	if t.Timestamps < 1 {
		return nil, errors.New("sigstore: a certificate that lives for minutes proves nothing without a time: the timestamp threshold must be at least 1")
	}
	opts := []verify.VerifierOption{verify.WithObserverTimestamps(t.Timestamps)}
	if t.LogEntries > 0 {
		opts = append(opts, verify.WithTransparencyLog(t.LogEntries))
	}
	if t.Certificates > 0 {
		opts = append(opts, verify.WithSignedCertificateTimestamps(t.Certificates))
	}
	v, err := verify.NewVerifier(m, opts...)
	if err != nil {
		return nil, fmt.Errorf("sigstore: %w", err)
	}
	return &Verifier{v}, nil
}

// Verify checks a bundle about an artifact: a signature over it, or a statement with its digest as a subject. With a nil
// artifact the bundle must hold a statement, whose subject is the caller's to check. An error means that nothing was
// signed.
func (v *Verifier) Verify(ctx context.Context, b *envelope.Bundle, a *Artifact) (Signer, error) {
	entity, err := bundle.NewBundle(b.Proto)
	if err != nil {
		return Signer{}, err
	}
	var about verify.ArtifactPolicyOption
	switch {
	case a != nil:
		alg, sum, err := a.digestFor(ctx, b)
		if err != nil {
			return Signer{}, err
		}
		about = verify.WithArtifactDigest(alg, sum)
	case b.IsStatement():
		about = verify.WithoutArtifactUnsafe() // the caller holds the statement against the file
	default:
		return Signer{}, errors.New("the bundle signs a file rather than a statement")
	}
	// Identities are matched by the caller's rules, which are not sigstore-go's regular expressions.
	res, err := v.v.Verify(entity, verify.NewPolicy(about, verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return Signer{}, err
	}
	if res.Signature == nil || res.Signature.Certificate == nil || res.Signature.Certificate.SubjectAlternativeName == "" {
		return Signer{}, errors.New("the certificate names no identity")
	}
	return Signer{res.Signature.Certificate.SubjectAlternativeName, res.Signature.Certificate.Issuer}, nil
}

// digestFor is the artifact's digest in the algorithm that the bundle is over. It reads the artifact for others than
// SHA-256: by digest, since sigstore-go would hold a whole model in memory.
func (a *Artifact) digestFor(ctx context.Context, b *envelope.Bundle) (alg string, sum []byte, err error) {
	var h crypto.Hash
	switch b.Proto.GetMessageSignature().GetMessageDigest().GetAlgorithm() {
	case protocommon.HashAlgorithm_SHA2_384:
		alg, h = "sha384", crypto.SHA384
	case protocommon.HashAlgorithm_SHA2_512:
		alg, h = "sha512", crypto.SHA512
	default:
		return "sha256", a.SHA256[:], nil
	}
	if a.Bytes == nil {
		return "", nil, ErrNoBytes
	}
	hasher := h.New()
	if n, err := io.Copy(hasher, &contextReader{ctx, io.NewSectionReader(a.Bytes, 0, a.Size)}); err != nil {
		return "", nil, err
	} else if n != a.Size {
		return "", nil, io.ErrUnexpectedEOF
	}
	return alg, hasher.Sum(nil), nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
