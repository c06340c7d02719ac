package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedisct1/go-minisign"
	"golang.org/x/crypto/ssh"
)

// Bounds of a key file.
const (
	MaxKeyBytes = 1 << 20
	MaxKeys     = 64
	minRSABits  = 2048
	maxRSABits  = 16384 // a larger modulus only costs time
)

// A Key is one trusted public key.
type Key struct {
	Public crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	Name   string           // of the publisher, as the configuration has it; else the key's ID
	// Minisign is the key's number in minisign's signatures; nil for other keys.
	Minisign *[8]byte
	// Authority is set for a certificate authority: it signs certificates, and never a file itself.
	Authority *x509.Certificate
}

// Authorities are the certificate authorities among keys.
func Authorities(all []Key) (certs []*x509.Certificate) {
	for _, k := range all {
		if k.Authority != nil {
			certs = append(certs, k.Authority)
		}
	}
	return certs
}

// ID names a key: SHA-256 of its PKIX form, in hexadecimal.
func (k Key) ID() string {
	der, err := x509.MarshalPKIXPublicKey(k.Public)
	if err != nil {
		return "" // not of a kind that Parse gives
	}
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ErrPrivate says that a private key was given where a public one belongs.
var ErrPrivate = errors.New("a PRIVATE key: name the public key here, and keep this file away from the machine that verifies")

// Parse reads the keys of one file: PEM blocks (PUBLIC KEY, as openssl and cosign write it; RSA PUBLIC KEY; CERTIFICATE:
// an authority's to trust what it issues for model signing, another's for its key alone), authorized_keys lines, or a minisign public key. name is given to each key; when empty its ID is.
func Parse(b []byte, name string) ([]Key, error) {
	if len(b) > MaxKeyBytes {
		return nil, fmt.Errorf("a key file of %d bytes, at most %d are read", len(b), MaxKeyBytes)
	}
	parse := parseSSH
	switch {
	case bytes.Contains(b, []byte("-----BEGIN ")):
		parse = parsePEM
	case bytes.HasPrefix(b, []byte("untrusted comment:")):
		parse = parseMinisign
	}
	keys, err := parse(b)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d public keys; expected 1 to %d, as PEM, authorized_keys lines or minisign", len(keys), MaxKeys)
	}
	for i := range keys {
		if err := Strong(keys[i].Public); err != nil {
			return nil, err
		}
		keys[i].Name = name
		if name == "" {
			keys[i].Name = keys[i].ID()
		}
	}
	return keys, nil
}

func parsePEM(b []byte) (keys []Key, err error) {
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			break
		}
		var pub crypto.PublicKey
		var authority *x509.Certificate
		switch {
		case strings.Contains(block.Type, "PRIVATE KEY"):
			return nil, ErrPrivate
		case block.Type == "PUBLIC KEY":
			pub, err = x509.ParsePKIXPublicKey(block.Bytes)
		case block.Type == "RSA PUBLIC KEY":
			pub, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case block.Type == "CERTIFICATE":
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
				pub = cert.PublicKey
				if cert.IsCA {
					authority = cert
				}
			}
		default:
			return nil, fmt.Errorf("PEM block %q; expected PUBLIC KEY", block.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
		}
		keys = append(keys, Key{Public: pub, Authority: authority})
	}
	if len(bytes.TrimSpace(b)) > 0 {
		return nil, errors.New("a PEM block that breaks off, or text after the last one")
	}
	return keys, nil
}

func parseSSH(b []byte) (keys []Key, err error) {
	for n, line := range bytes.Split(b, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		pub, _, options, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: neither PEM nor an SSH public key: %w", n+1, err)
		}
		ck, ok := pub.(ssh.CryptoPublicKey)
		if !ok || len(options) > 0 || isCertificate(pub) {
			return nil, fmt.Errorf("line %d: an SSH key of type %s with options or a certificate; expected a plain key", n+1, pub.Type())
		}
		keys = append(keys, Key{Public: ck.CryptoPublicKey()})
	}
	return keys, nil
}

func isCertificate(k ssh.PublicKey) bool {
	_, is := k.(*ssh.Certificate)
	return is
}

func parseMinisign(b []byte) ([]Key, error) {
	if bytes.Contains(b, []byte("secret key")) {
		return nil, ErrPrivate
	}
	k, err := minisign.DecodePublicKey(strings.ReplaceAll(strings.TrimSpace(string(b)), "\r", ""))
	if err != nil {
		return nil, fmt.Errorf("minisign: %w", err)
	}
	if k.SignatureAlgorithm != [2]byte{'E', 'd'} {
		return nil, fmt.Errorf("minisign: key algorithm %q; expected Ed", k.SignatureAlgorithm)
	}
	return []Key{{Public: ed25519.PublicKey(slices.Clone(k.PublicKey[:])), Minisign: &k.KeyId}}, nil
}

// Strong refuses keys that prove too little.
func Strong(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return errors.New("an Ed25519 key of the wrong length")
		}
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521() {
			return fmt.Errorf("an ECDSA key on %s; expected P-256, P-384 or P-521", k.Curve.Params().Name)
		}
		if _, err := k.ECDH(); err != nil { // not on the curve
			return err
		}
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSABits || n > maxRSABits {
			return fmt.Errorf("an RSA key of %d bits; expected %d to %d", n, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E&1 == 0 {
			return fmt.Errorf("an RSA key with exponent %d", k.E)
		}
	default:
		return fmt.Errorf("a key of type %T; expected Ed25519, ECDSA or RSA", pub)
	}
	return nil
}
