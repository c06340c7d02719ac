package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	"github.com/jedisct1/go-minisign"
)

// MaxSignatureBytes bounds a detached signature's file.
const MaxSignatureBytes = 64 << 10

// A Signature is a parsed detached signature: the bytes that it may stand for, as a file's encoding is not announced.
type Signature struct {
	raw      [][]byte
	minisign *minisign.Signature
}

// Raw is a signature whose bytes are known, as a bundle has them.
func Raw(b []byte) *Signature { return &Signature{raw: [][]byte{b}} }

// ParseSignature reads raw, base64, PEM and minisign forms. Text that is none of them is an error.
func ParseSignature(b []byte) (*Signature, error) {
	if len(b) == 0 || len(b) > MaxSignatureBytes {
		return nil, fmt.Errorf("a signature of %d bytes; expected 1 to %d", len(b), MaxSignatureBytes)
	}
	if bytes.HasPrefix(b, []byte("untrusted comment:")) {
		m, err := minisign.DecodeSignature(strings.TrimSpace(strings.ReplaceAll(string(b), "\r", "")))
		if err != nil {
			return nil, fmt.Errorf("minisign: %w", err)
		}
		if !strings.HasPrefix(m.TrustedComment, "trusted comment: ") {
			return nil, fmt.Errorf("minisign: the third line is no trusted comment")
		}
		return &Signature{minisign: &m}, nil
	}
	if block, rest := pem.Decode(b); block != nil {
		if len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("text after the PEM block %q", block.Type)
		}
		return &Signature{raw: [][]byte{block.Bytes}}, nil
	}
	s := &Signature{}
	if plausible(b) {
		s.raw = append(s.raw, b)
	}
	joined := bytes.Join(bytes.Fields(b), nil)
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if raw, err := enc.Strict().DecodeString(string(joined)); err == nil && plausible(raw) {
			s.raw = append(s.raw, raw)
			break
		}
	}
	if len(s.raw) == 0 {
		return nil, fmt.Errorf("%d bytes that are no signature: neither raw, base64, PEM nor minisign", len(b))
	}
	return s, nil
}

// plausible says whether some supported key could have made these bytes.
func plausible(b []byte) bool {
	return len(b) == ed25519.SignatureSize || ecdsaShape(b, 521) || len(b) >= minRSABits/8 && len(b) <= maxRSABits/8
}

// ecdsaShape says whether b is a DER SEQUENCE of two positive integers of at most bits bits, and nothing more.
func ecdsaShape(b []byte, bits int) bool {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(b, &sig)
	return err == nil && len(rest) == 0 && sig.R.Sign() > 0 && sig.S.Sign() > 0 && sig.R.BitLen() <= bits && sig.S.BitLen() <= bits
}
