package provenance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"unicode/utf8"

	"trustfs/provenance/envelope"
	"trustfs/provenance/keys"
)

// Names of signatures, after the file's own.
var (
	detachedSuffixes = []string{".sig", ".minisig"}
	bundleSuffixes   = []string{".sigstore", ".sigstore.json", ".bundle"}
)

// Names of signed manifests, in the file's folder and each one above it.
const (
	manifestName = "model.sig"
	claimsName   = "claims.jsonl" // a bundle a line
)

// maxClaims bounds the bundles of one claims.jsonl.
const maxClaims = 32

// signatures checks every signature beside the file and every manifest above it.
func (v *Verifier) signatures(ctx context.Context, g *gatherer, s Subject, e *Evidence) error {
	if g.tree == nil {
		return nil
	}
	c := &signatureCheck{v: v, g: g, s: s}
	for _, name := range s.names() {
		if err := c.beside(ctx, clean(name)); err != nil {
			return err
		}
		if err := c.above(ctx, clean(name)); err != nil {
			return err
		}
	}
	e.Signature = merge(c.found)
	return nil
}

// A signatureCheck collects what the signatures of one file say.
type signatureCheck struct {
	v     *Verifier
	g     *gatherer
	s     Subject
	found []Signature
}

func (c *signatureCheck) add(status, kind, where, format string, args ...any) *Signature {
	c.found = append(c.found, Signature{Status: status, Kind: kind, Detail: where + ": " + fmt.Sprintf(format, args...)})
	return &c.found[len(c.found)-1]
}

// strength orders states for merge: what convicts, what acquits, and then what says most.
var strength = map[string]int{SignatureInvalid: 5, SignatureValid: 4, SignatureUntrusted: 3, SignatureUnverifiable: 2, SignatureNone: 1}

// merge gives the signature that decides: an invalid one convicts whatever else there is, a valid one acquits whatever
// cannot be checked.
func merge(found []Signature) Signature {
	best := Signature{Status: SignatureNone}
	for _, f := range found {
		if strength[f.Status] > strength[best.Status] {
			best = f
		}
	}
	return best
}

// read reads a signature's file; nil when there is none, or when it is too large, which is noted.
func (c *signatureCheck) read(p, kind string, max int64) ([]byte, error) {
	b, err := c.g.read(p, false, max)
	if large := (*TooLargeError)(nil); errors.As(err, &large) {
		c.add(SignatureUnverifiable, kind, p, "%d bytes, at most %d are read", large.Size, large.Max)
		return nil, nil
	}
	if b == nil || err != nil {
		return nil, err
	}
	if len(b) == 0 {
		c.add(SignatureUnverifiable, kind, p, "the file is empty")
		return nil, nil
	}
	return b, nil
}

// beside checks the signatures that carry the file's name.
func (c *signatureCheck) beside(ctx context.Context, name string) error {
	for _, suffix := range detachedSuffixes {
		p := name + suffix
		if path.Base(p) == manifestName { // a file called "model": this is the folder's manifest
			continue
		}
		b, err := c.read(p, KindKey, envelope.MaxBytes)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		if isJSON(b) {
			err = c.bundle(ctx, p, b, "", path.Base(name))
		} else {
			err = c.detached(ctx, p, b)
		}
		if err != nil {
			return err
		}
	}
	for _, suffix := range bundleSuffixes {
		b, err := c.read(name+suffix, KindSigstore, envelope.MaxBytes)
		if err != nil {
			return err
		}
		if b != nil {
			if err := c.bundle(ctx, name+suffix, b, "", path.Base(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isJSON tells a bundle from a raw signature, one in 256 of which begins with a brace too.
func isJSON(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) && utf8.Valid(b) }

// detached checks FILE.sig and FILE.minisig against the trusted keys.
func (c *signatureCheck) detached(ctx context.Context, p string, b []byte) error {
	sig, err := keys.ParseSignature(b)
	if err != nil {
		c.add(SignatureUnverifiable, KindKey, p, "%v", err)
		return nil
	}
	status, key, err := keys.Verify(ctx, c.v.trust.keys, sig, c.target())
	return c.byKey(KindKey, p, status, key, err)
}

func (c *signatureCheck) target() keys.Target {
	return keys.Target{SHA256: c.s.SHA256, Size: c.s.Size, Bytes: c.s.File}
}

// byKey notes the outcome of a check by key.
func (c *signatureCheck) byKey(kind, p string, status keys.Status, key *keys.Key, err error) error {
	switch {
	case errors.Is(err, keys.ErrNoBytes):
		c.add(SignatureUnverifiable, kind, p, "%v", err)
	case err != nil:
		return fmt.Errorf("%s: %w", p, err)
	case status == keys.Valid:
		c.add(SignatureValid, kind, p, "by a trusted key").Identity = key.Name
	case status == keys.Invalid:
		c.add(SignatureInvalid, kind, p, "no trusted key has signed these bytes")
	default:
		c.add(SignatureUnverifiable, kind, p, "no trusted key of its kind; name the signer's key as trusted")
	}
	return nil
}

// above looks for signed manifests in the folders that the file lies in.
func (c *signatureCheck) above(ctx context.Context, name string) error {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		for _, m := range []string{manifestName, claimsName} {
			p := path.Join(dir, m)
			if p == name { // a manifest does not list itself
				continue
			}
			b, err := c.read(p, KindModelSigning, envelope.MaxBytes)
			if err != nil {
				return err
			}
			if b == nil {
				continue
			}
			if err := c.claims(ctx, p, b, relative(dir, name)); err != nil {
				return err
			}
		}
		if dir == "." {
			return nil
		}
	}
}

// claims checks the bundles of a manifest's file: one, or one a line in claims.jsonl.
func (c *signatureCheck) claims(ctx context.Context, p string, b []byte, rel string) error {
	if path.Base(p) != claimsName {
		return c.bundle(ctx, p, b, rel, path.Base(rel))
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) > maxClaims {
		c.add(SignatureUnverifiable, KindModelSigning, p, "%d bundles, at most %d are read", len(lines), maxClaims)
		return nil
	}
	for i, line := range lines {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := c.bundle(ctx, fmt.Sprintf("%s:%d", p, i+1), line, rel, path.Base(rel)); err != nil {
			return err
		}
	}
	return nil
}
