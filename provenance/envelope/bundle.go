// Package envelope reads Sigstore bundles, the one form in which Sigstore and OpenSSF model signing write signatures, and
// checks those that a trusted key or a trusted authority's certificate made. Bundles of Sigstore itself, with its log and
// its timestamps, are checked by provenance/sigstore.
package envelope

import (
	"errors"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"trustfs/provenance/strictjson"
)

// MaxBytes bounds a bundle: a manifest of a hundred thousand files.
const MaxBytes = 32 << 20

// A Bundle is a parsed bundle. Nothing in it is verified.
type Bundle struct {
	Proto *protobundle.Bundle
}

// A Material says how a bundle's signature is to be checked.
type Material int

// The materials. The zero value is none.
const (
	None     Material = iota
	ByKey             // a key that the verifier must have
	ByChain           // a certificate chain without log entries and timestamps: model signing by certificate
	Sigstore          // a certificate with log entries or timestamps
)

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

// PayloadType is the type of the statements that are understood.
const PayloadType = "application/vnd.in-toto+json"

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

// PAE is DSSE's pre-authentication encoding.
func PAE(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}
