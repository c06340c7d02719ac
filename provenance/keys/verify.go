package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384, SHA-512
	"errors"
	"io"
	"slices"

	"trustfs/integrity"
)

// A Status says what the trusted keys make of a signature. The zero value is Unknown.
type Status int

// The states of a signature.
const (
	Unknown Status = iota // no trusted key could have made it
	Valid
	Invalid // a trusted key could have made it, and none did so for these bytes
)

// A Target is what was signed: the bytes, known by their SHA-256.
type Target struct {
	SHA256 integrity.Digest
	Size   int64
	Bytes  io.ReaderAt // read once, if no key fits by the digest alone
}

// ErrNoBytes says that a signature is over the bytes themselves, and they are not at hand.
var ErrNoBytes = errors.New("the signature is over the bytes themselves, which are not at hand")

// Verify checks sig against each key that could have made it. Where SHA-256 does not settle it, the target's bytes are
// read once more, for all keys together: for SHA-384, SHA-512 and BLAKE2b, and for Ed25519, which signs the bytes. key is
// the one that fits. An error means that the check could not be made.
func Verify(ctx context.Context, trusted []Key, sig *Signature, t Target) (s Status, key *Key, err error) {
	able := pairs(trusted, sig)
	if len(able) == 0 {
		return Unknown, nil, nil
	}
	for _, p := range able {
		if p.byDigest(crypto.SHA256, t.SHA256[:]) {
			return Valid, p.key, nil
		}
	}
	if t.Bytes == nil {
		return Unknown, nil, ErrNoBytes
	}
	if key, err = stream(ctx, able, t); err != nil {
		return Unknown, nil, err
	}
	if key != nil {
		return Valid, key, nil
	}
	return Invalid, nil, nil
}

// A pair is a signature's bytes and a key that could have made them.
type pair struct {
	key *Key
	sig []byte
	// mini is set for minisign's signatures, which are over BLAKE2b-512 or the bytes.
	mini *minisignCheck
}

func pairs(trusted []Key, sig *Signature) (able []pair) {
	for i := range trusted {
		k := &trusted[i]
		if k.Authority != nil {
			continue
		}
		if sig.minisign != nil {
			if c := newMinisignCheck(k, sig.minisign); c != nil {
				able = append(able, pair{k, slices.Clone(sig.minisign.Signature[:]), c})
			}
			continue
		}
		for _, raw := range sig.raw {
			if fits(k.Public, raw) {
				able = append(able, pair{key: k, sig: raw})
			}
		}
	}
	return able
}

func fits(pub crypto.PublicKey, sig []byte) bool {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return len(sig) == ed25519.SignatureSize
	case *ecdsa.PublicKey:
		return ecdsaShape(sig, k.Params().BitSize)
	case *rsa.PublicKey:
		return len(sig) == k.Size()
	}
	return false
}

// byDigest checks signatures that are made over a digest, or over its bytes as the message (Ed25519 over SHA-256).
func (p pair) byDigest(h crypto.Hash, sum []byte) bool {
	if p.mini != nil {
		return false
	}
	switch k := p.key.Public.(type) {
	case ed25519.PublicKey:
		if h == crypto.SHA512 { // Ed25519ph, RFC 8032, 5.1
			return ed25519.VerifyWithOptions(k, sum, p.sig, &ed25519.Options{Hash: crypto.SHA512}) == nil
		}
		return h == crypto.SHA256 && ed25519.Verify(k, sum, p.sig)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum, p.sig)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, h, sum, p.sig) == nil ||
			rsa.VerifyPSS(k, h, sum, p.sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	}
	return false
}
