// Package envelope reads Sigstore bundles, the one form in which Sigstore and OpenSSF model signing write signatures, and
// checks those that a trusted key or a trusted authority's certificate made. Bundles of Sigstore itself, with its log and
// its timestamps, are checked by provenance/sigstore.
package envelope

import "fmt"

// MaxBytes bounds a bundle: a manifest of a hundred thousand files.
const MaxBytes = 32 << 20

// A Material says how a bundle's signature is to be checked.
type Material int

// The materials. The zero value is none.
const (
	None     Material = iota
	ByKey             // a key that the verifier must have
	ByChain           // a certificate chain without log entries and timestamps: model signing by certificate
	Sigstore          // a certificate with log entries or timestamps
)

// PayloadType is the type of the statements that are understood.
const PayloadType = "application/vnd.in-toto+json"

// PAE is DSSE's pre-authentication encoding.
func PAE(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}
