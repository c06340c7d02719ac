//go:build lean

package sigstore

import (
	"context"

	"trustfs/internal/lean"
	"trustfs/provenance/envelope"
)

// A Verifier checks bundles against one trusted root: there is none in the lean program.
type Verifier struct{}

// New hands over to the program that can.
func New([]byte, Thresholds) (*Verifier, error) {
	return nil, lean.Beyond("a trusted root of Sigstore")
}

// Verify hands over to the program that can.
func (*Verifier) Verify(context.Context, *envelope.Bundle, *Artifact) (Signer, error) {
	return Signer{}, lean.Beyond("a Sigstore bundle")
}
