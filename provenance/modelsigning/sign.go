package modelsigning

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"trustfs/provenance/envelope"
	"trustfs/provenance/keys"
)

// A Signer is an ECDSA key on P-256, P-384 or P-521, the kinds that the format has, and for signing by certificate the
// certificate and what leads from it to an authority.
type Signer struct {
	Key   *ecdsa.PrivateKey
	Chain []*x509.Certificate // the signing certificate first; empty for signing by key
}

// ParseSigner reads a private key (PKCS #8 or SEC 1, PEM, not encrypted) and, if chain is not empty, PEM certificates with
// the signing one first.
func ParseSigner(key, chain []byte) (*Signer, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("signing key: no PEM block")
	}
	var parsed any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("signing key: PEM block %q; expected PRIVATE KEY or EC PRIVATE KEY, not encrypted", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	k, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("signing key: %T; model signing takes ECDSA keys: openssl ecparam -name prime256v1 -genkey -noout", parsed)
	}
	if err := keys.Strong(k.Public()); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	s := &Signer{Key: k}
	for len(chain) > 0 {
		if block, chain = pem.Decode(chain); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("signing certificate: %w", err)
		}
		s.Chain = append(s.Chain, c)
	}
	if len(s.Chain) > 0 && !k.PublicKey.Equal(s.Chain[0].PublicKey) {
		return nil, errors.New("signing certificate: it is for another key")
	}
	return s, nil
}

// Sign makes the bundle (model.sig) for a folder. name is the model's, for people; signature is the bundle's own name in
// the folder, which is left out, as are git's files.
func (s *Signer) Sign(ctx context.Context, folder fs.FS, name, signature string) ([]byte, error) {
	ignore := append([]string{}, gitPaths...)
	if signature != "" {
		ignore = append(ignore, signature)
	}
	skip := &Manifest{Ignore: ignore}
	var resources []wireResource
	err := walk(folder, false, skip.ignores, func(file string) error {
		f, err := folder.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := resource(ctx, file, f)
		resources = append(resources, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if len(resources) == 0 {
		return nil, errors.New("sign: the folder has no files")
	}
	return s.bundle(name, resources, ignore)
}

// SignFile makes the bundle for a model that is one file.
func (s *Signer) SignFile(ctx context.Context, name string, content io.Reader) ([]byte, error) {
	r, err := resource(ctx, Self, content)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return s.bundle(name, []wireResource{r}, nil)
}

func resource(ctx context.Context, name string, r io.Reader) (wireResource, error) {
	h := sha256.New()
	if _, err := io.Copy(h, &contextReader{ctx, r}); err != nil {
		return wireResource{}, fmt.Errorf("%s: %w", name, err)
	}
	return wireResource{Name: name, Algorithm: "sha256", Digest: hex.EncodeToString(h.Sum(nil))}, nil
}

func (s *Signer) bundle(name string, resources []wireResource, ignore []string) ([]byte, error) {
	var p wirePredicate
	p.Resources = resources
	p.Serialization.Method, p.Serialization.HashType, p.Serialization.IgnorePaths = "files", "sha256", ignore
	predicate, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	root := sha256.New()
	for _, r := range resources {
		d, err := hex.DecodeString(r.Digest)
		if err != nil {
			return nil, err
		}
		root.Write(d)
	}
	payload, err := json.Marshal(envelope.Statement{
		Type: "https://in-toto.io/Statement/v1", PredicateType: PredicateType, Predicate: predicate,
		Subject: []envelope.Subject{{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(root.Sum(nil))}}},
	})
	if err != nil {
		return nil, err
	}
	h := s.hash().New()
	h.Write(envelope.PAE(envelope.PayloadType, payload))
	sig, err := ecdsa.SignASN1(rand.Reader, s.Key, h.Sum(nil))
	if err != nil {
		return nil, err
	}
	return s.marshal(payload, sig)
}

// hash is the one that the format pairs with the key's curve.
func (s *Signer) hash() crypto.Hash {
	switch s.Key.Params().BitSize {
	case 384:
		return crypto.SHA384
	case 521:
		return crypto.SHA512
	}
	return crypto.SHA256
}

// marshal writes the bundle, version 0.3. Lists are written also when they are empty: the reference implementation asks for
// tlogEntries.
func (s *Signer) marshal(payload, sig []byte) ([]byte, error) {
	type raw struct {
		RawBytes []byte `json:"rawBytes"`
	}
	material := map[string]any{"tlogEntries": []any{}}
	if len(s.Chain) > 0 {
		var certs []raw
		for _, c := range s.Chain {
			certs = append(certs, raw{c.Raw})
		}
		material["x509CertificateChain"] = map[string]any{"certificates": certs}
	} else {
		der, err := x509.MarshalPKIXPublicKey(s.Key.Public())
		if err != nil {
			return nil, err
		}
		hint := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		material["publicKey"] = map[string]any{"hint": hex.EncodeToString(hint[:])}
	}
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": material,
		"dsseEnvelope": map[string]any{
			"payload": payload, "payloadType": envelope.PayloadType,
			"signatures": []any{map[string]any{"sig": sig, "keyid": ""}},
		},
	})
	return b.Bytes(), err
}
