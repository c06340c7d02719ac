//go:build lean

package envelope

import "trustfs/internal/lean"

// A Bundle is a parsed bundle: there is none in the lean program, and its methods are never called.
type Bundle struct{}

// Parse hands over to the program that can.
func Parse([]byte) (*Bundle, error) { return nil, lean.Beyond("a Sigstore bundle") }

// Material is None: nothing can be checked.
func (*Bundle) Material() Material { return None }

// IsStatement is false.
func (*Bundle) IsStatement() bool { return false }

// Payload is an error.
func (*Bundle) Payload() (statement, signed, signature []byte, err error) {
	return nil, nil, nil, lean.Beyond("a Sigstore bundle")
}

// Signature is none.
func (*Bundle) Signature() []byte { return nil }

func (*Bundle) certificates() [][]byte { return nil }
