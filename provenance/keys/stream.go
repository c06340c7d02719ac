package keys

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"hash"
	"io"

	"filippo.io/edwards25519"
	"github.com/jedisct1/go-minisign"
	"golang.org/x/crypto/blake2b"
)

// stream reads the target once and gives the first key whose signature fits, or nil.
func stream(ctx context.Context, able []pair, t Target) (*Key, error) {
	sums := map[crypto.Hash]hash.Hash{crypto.SHA384: crypto.SHA384.New(), crypto.SHA512: crypto.SHA512.New()}
	blake, err := blake2b.New512(nil)
	if err != nil {
		return nil, err
	}
	writers := []io.Writer{sums[crypto.SHA384], sums[crypto.SHA512], blake}
	pure := make([]*pureCheck, len(able))
	for i, p := range able {
		if k, ok := p.key.Public.(ed25519.PublicKey); ok && (p.mini == nil || !p.mini.prehashed) {
			if pure[i] = newPureCheck(k, p.sig); pure[i] != nil {
				writers = append(writers, pure[i].h)
			}
		}
	}
	if err := copyAll(ctx, io.MultiWriter(writers...), t); err != nil {
		return nil, err
	}
	for i, p := range able {
		signed := p.byDigest(crypto.SHA384, sums[crypto.SHA384].Sum(nil)) || p.byDigest(crypto.SHA512, sums[crypto.SHA512].Sum(nil)) ||
			pure[i].ok() || p.mini.prehash(p.key, p.sig, blake)
		if signed && p.mini.commentOK(p.key) {
			return p.key, nil
		}
	}
	return nil, nil
}

func copyAll(ctx context.Context, w io.Writer, t Target) error {
	const step = 1 << 20
	buf := make([]byte, min(step, max(t.Size, 1)))
	for off := int64(0); off < t.Size; off += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(step, t.Size-off)]
		if n, err := t.Bytes.ReadAt(b, off); n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// A pureCheck verifies Ed25519 over a message that is streamed through h. crypto/ed25519 wants the whole message in memory,
// which for a model is tens of gigabytes; the equation (RFC 8032, 5.1.7, without cofactor, as crypto/ed25519 has it) needs
// the message only as SHA-512(R, A, M).
type pureCheck struct {
	h      hash.Hash
	r      []byte
	s      *edwards25519.Scalar
	minusA *edwards25519.Point
}

// newPureCheck is nil for a key that is no point or a signature whose S is out of range.
func newPureCheck(pub ed25519.PublicKey, sig []byte) *pureCheck {
	a, err := new(edwards25519.Point).SetBytes(pub)
	if err != nil {
		return nil
	}
	s, err := edwards25519.NewScalar().SetCanonicalBytes(sig[32:])
	if err != nil {
		return nil
	}
	c := &pureCheck{h: sha512.New(), r: sig[:32], s: s, minusA: new(edwards25519.Point).Negate(a)}
	c.h.Write(c.r)
	c.h.Write(pub)
	return c
}

// ok says whether R = S*B - k*A, once the message has gone through h.
func (c *pureCheck) ok() bool {
	if c == nil {
		return false
	}
	k, err := edwards25519.NewScalar().SetUniformBytes(c.h.Sum(nil))
	if err != nil {
		return false
	}
	r := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, c.minusA, c.s)
	return string(r.Bytes()) == string(c.r)
}

// A minisignCheck holds what a minisign signature adds: BLAKE2b-512 for "ED", and a comment signed with the signature.
type minisignCheck struct {
	sig       *minisign.Signature
	prehashed bool
}

// newMinisignCheck is nil when the key is not the one that the signature names.
func newMinisignCheck(k *Key, sig *minisign.Signature) *minisignCheck {
	if k.Minisign == nil || *k.Minisign != sig.KeyId {
		return nil
	}
	switch string(sig.SignatureAlgorithm[:]) {
	case "Ed":
		return &minisignCheck{sig, false}
	case "ED":
		return &minisignCheck{sig, true}
	}
	return nil
}

func (m *minisignCheck) prehash(k *Key, sig []byte, blake hash.Hash) bool {
	return m != nil && m.prehashed && ed25519.Verify(k.Public.(ed25519.PublicKey), blake.Sum(nil), sig)
}

func (m *minisignCheck) commentOK(k *Key) bool {
	if m == nil {
		return true
	}
	signed := append(m.sig.Signature[:len(m.sig.Signature):len(m.sig.Signature)], m.sig.TrustedComment[len("trusted comment: "):]...)
	return ed25519.Verify(k.Public.(ed25519.PublicKey), signed, m.sig.GlobalSignature[:])
}
