package provenance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"trustfs/internal/lean"
	"trustfs/provenance/keys"
	"trustfs/provenance/publisher"
	"trustfs/provenance/sigstore"
)

// A TrustKey is a file of public keys or certificate authorities whose signatures count.
type TrustKey struct {
	File      string // host path, absolute
	Publisher string // the name that reports show; empty for the key's ID
}

// trust is what New loads: the roots that signatures are checked against.
type trust struct {
	keys       []keys.Key
	sigstore   *sigstore.Verifier // nil without a trusted root
	publishers []publisher.Rule
	now        func() time.Time
	files      []InputID // that it was loaded from
	epoch      string
}

// load reads the keys and the trusted root that the options name. Anything that cannot be trusted in full is an error: a
// service that starts without a key it was told of would refuse what it should admit, and nobody would know why.
func load(o *Options) (*trust, error) {
	t := &trust{publishers: o.Publishers, now: o.Now}
	if t.now == nil {
		t.now = time.Now
	}
	g := &gatherer{}
	h := sha256.New()
	for _, k := range o.TrustKeys {
		b, err := g.readConfigured(o, k.File, keys.MaxKeyBytes)
		if err != nil {
			return nil, fmt.Errorf("trusted key: %w", err)
		}
		parsed, err := keys.Parse(b, k.Publisher)
		if err != nil {
			return nil, fmt.Errorf("trusted key %s: %w", k.File, err)
		}
		t.keys = append(t.keys, parsed...)
		fmt.Fprintf(h, "key %q %d\n", k.Publisher, len(b))
		h.Write(b)
	}
	if o.TrustedRoot != "" {
		if err := lean.Lacks("a trusted root of Sigstore"); err != nil {
			return nil, err
		}
		b, err := g.readConfigured(o, o.TrustedRoot, sigstore.MaxRootBytes)
		if err != nil {
			return nil, fmt.Errorf("trusted root: %w", err)
		}
		if t.sigstore, err = sigstore.New(b, o.thresholds()); err != nil {
			return nil, fmt.Errorf("%s: %w", o.TrustedRoot, err)
		}
		fmt.Fprintf(h, "root %d\n", len(b))
		h.Write(b)
	}
	for _, r := range o.Publishers {
		if err := r.Validate(); err != nil {
			return nil, err
		}
	}
	rest, err := json.Marshal([]any{o.Root, o.Pins, o.Checksums, o.Publishers, o.thresholds(), o.SBOMs, o.SBOMsInTree})
	if err != nil {
		return nil, err
	}
	h.Write(rest)
	t.files, t.epoch = g.inputs(), hex.EncodeToString(h.Sum(nil)[:16])
	return t, nil
}

// openTrusted opens a file that may acquit: there, its owner's alone, and where nobody else can put another.
func (g *gatherer) openTrusted(path string, outside bool) (*sidecar, error) {
	if !outside {
		if err := ownersWay(g.tree, path); err != nil {
			return nil, err
		}
	}
	s, err := g.open(path, outside)
	if err != nil {
		return nil, err
	}
	switch {
	case s.file == nil:
		err = fmt.Errorf("%s is not there", path)
	case outside && g.tree != nil:
		err = byAnotherName(g.tree, s.file)
	}
	if err == nil {
		err = ownersAlone(s.file)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// readTrusted is openTrusted and readWhole.
func (g *gatherer) readTrusted(path string, outside bool, max int64) ([]byte, error) {
	s, err := g.openTrusted(path, outside)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return readWhole(s, max)
}

// readConfigured is readTrusted for a file that is read once, by its host path.
func (g *gatherer) readConfigured(o *Options, host string, max int64) ([]byte, error) {
	if err := o.trustedWay(host); err != nil {
		return nil, err
	}
	return g.readTrusted(host, true, max)
}

// trusts says whether the configuration names a signer.
func (t *trust) trusts(identity, issuer string) bool {
	for _, r := range t.publishers {
		if r.Match(identity, issuer) {
			return true
		}
	}
	return false
}

// Epoch changes with everything that New was given and loaded. Evidence of another epoch is outdated.
func (v *Verifier) Epoch() string { return v.trust.epoch }

// Outdated says that a key file or the trusted root has changed since New: it is time for a new Verifier.
func (v *Verifier) Outdated() bool {
	g := gatherer{}
	for _, in := range v.trust.files {
		s, err := g.open(in.Path, true)
		if err != nil {
			return true
		}
		s.close()
		if s.id.Absent || s.id.ID != in.ID {
			return true
		}
	}
	return false
}
