//go:build !lean

package envelope

import (
	"errors"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"trustfs/provenance/strictjson"
)

// A Bundle is a parsed bundle. Nothing in it is verified.
type Bundle struct {
	Proto *protobundle.Bundle
}

// Parse reads a bundle, JSON of media type application/vnd.dev.sigstore.bundle in any version.
func Parse(b []byte) (*Bundle, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("a bundle of %d bytes, at most %d are read", len(b), MaxBytes)
	}
	if err := strictjson.Check(b); err != nil {
		return nil, fmt.Errorf("not a Sigstore bundle: %w", err)
	}
	p := &protobundle.Bundle{}
	// Fields that are not known are passed over: model-signing before 1.1 wrote the key itself beside its hint.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, p); err != nil {
		return nil, fmt.Errorf("not a Sigstore bundle: %w", err)
	}
	if !strings.HasPrefix(p.GetMediaType(), "application/vnd.dev.sigstore.bundle") {
		return nil, fmt.Errorf("media type %.80q; expected application/vnd.dev.sigstore.bundle", p.GetMediaType())
	}
	out := &Bundle{p}
	if out.Material() == None || p.GetContent() == nil {
		return nil, errors.New("a Sigstore bundle without signature or verification material")
	}
	return out, nil
}

// Material says how the signature is to be checked.
func (b *Bundle) Material() Material {
	m := b.Proto.GetVerificationMaterial()
	logged := len(m.GetTlogEntries()) > 0 || len(m.GetTimestampVerificationData().GetRfc3161Timestamps()) > 0
	switch {
	case m.GetPublicKey() != nil:
		return ByKey
	case len(m.GetX509CertificateChain().GetCertificates()) > 0 && !logged:
		return ByChain
	case m.GetCertificate() != nil || len(m.GetX509CertificateChain().GetCertificates()) > 0:
		return Sigstore
	}
	return None
}

// IsStatement says that the bundle signs an in-toto statement rather than a file.
func (b *Bundle) IsStatement() bool { return b.Proto.GetDsseEnvelope() != nil }

// Payload is the signed statement, and the bytes that its signature is over: DSSE's pre-authentication encoding, see
// https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md.
func (b *Bundle) Payload() (statement, signed, signature []byte, err error) {
	e := b.Proto.GetDsseEnvelope()
	switch {
	case e == nil:
		return nil, nil, nil, errors.New("the bundle holds no statement")
	case e.GetPayloadType() != PayloadType:
		return nil, nil, nil, fmt.Errorf("payload type %.80q; expected %s", e.GetPayloadType(), PayloadType)
	case len(e.GetSignatures()) != 1:
		return nil, nil, nil, fmt.Errorf("%d signatures; expected one", len(e.GetSignatures()))
	}
	return e.GetPayload(), PAE(e.GetPayloadType(), e.GetPayload()), e.GetSignatures()[0].GetSig(), nil
}

// Signature is the signature over a file; nil in a bundle with a statement.
func (b *Bundle) Signature() []byte { return b.Proto.GetMessageSignature().GetSignature() }

// certificates are those that the bundle brings, in DER, the signer's first.
func (b *Bundle) certificates() (der [][]byte) {
	for _, c := range b.Proto.GetVerificationMaterial().GetX509CertificateChain().GetCertificates() {
		der = append(der, c.GetRawBytes())
	}
	return der
}
