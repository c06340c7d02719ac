package envelope

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"trustfs/provenance/keys"
)

// ErrUntrustedChain says that a certificate chain ends in no trusted authority.
var ErrUntrustedChain = errors.New("the certificate was issued by no trusted authority")

// VerifyKey checks a statement's signature against trusted keys.
func (b *Bundle) VerifyKey(ctx context.Context, trusted []keys.Key) (keys.Status, *keys.Key, error) {
	_, signed, sig, err := b.Payload()
	if err != nil {
		return keys.Unknown, nil, err
	}
	return keys.Verify(ctx, trusted, keys.Raw(sig), target(signed))
}

func target(b []byte) keys.Target {
	return keys.Target{SHA256: sha256.Sum256(b), Size: int64(len(b)), Bytes: bytes.NewReader(b)}
}

// VerifyChain checks a statement's signature by the certificate that the bundle brings, at a time. It must chain to one of
// the authorities, and be for signing: key usage digitalSignature or extended key usage codeSigning, as model signing has
// it. identity is the certificate's first mail address, else its first URI, else its common name.
func (b *Bundle) VerifyChain(ctx context.Context, authorities []*x509.Certificate, now time.Time) (identity, issuer string, err error) {
	leaf, rest, err := b.chain()
	if err != nil {
		return "", "", err
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, a := range authorities {
		opts.Roots.AddCert(a)
	}
	for _, c := range rest {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err != nil {
		if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
			return "", "", fmt.Errorf("%w: %w", ErrUntrustedChain, err)
		}
		return "", "", err
	}
	if !forSigning(leaf) {
		return "", "", errors.New("the certificate is not for signing")
	}
	if err := keys.Strong(leaf.PublicKey); err != nil {
		return "", "", fmt.Errorf("the certificate has %w", err)
	}
	_, signed, sig, err := b.Payload()
	if err != nil {
		return "", "", err
	}
	status, _, err := keys.Verify(ctx, []keys.Key{{Public: leaf.PublicKey}}, keys.Raw(sig), target(signed))
	if err != nil {
		return "", "", err
	}
	if status != keys.Valid {
		return "", "", errors.New("the signature is not by the certificate's key over this statement")
	}
	return identityOf(leaf), leaf.Issuer.String(), nil
}

// maxChain bounds the certificates of a bundle; building chains over many costs time.
const maxChain = 10

func (b *Bundle) chain() (leaf *x509.Certificate, rest []*x509.Certificate, err error) {
	certs := b.certificates()
	if len(certs) == 0 || len(certs) > maxChain {
		return nil, nil, fmt.Errorf("%d certificates; expected 1 to %d", len(certs), maxChain)
	}
	for i, c := range certs {
		parsed, err := x509.ParseCertificate(c)
		if err != nil {
			return nil, nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		if i == 0 {
			leaf = parsed
			continue
		}
		rest = append(rest, parsed)
	}
	return leaf, rest, nil
}

func forSigning(c *x509.Certificate) bool {
	if c.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		return true
	}
	for _, u := range c.ExtKeyUsage {
		if u == x509.ExtKeyUsageCodeSigning {
			return true
		}
	}
	return false
}

func identityOf(c *x509.Certificate) string {
	switch {
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	}
	return c.Subject.CommonName
}
