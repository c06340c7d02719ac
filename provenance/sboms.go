package provenance

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"trustfs/provenance/sbom"
)

// sbomSuffixes follow the file's name, with and without its extension; sbomNames stand for themselves in the file's folder
// and each one above it.
var (
	sbomSuffixes = []string{".spdx.json", ".cdx.json"}
	sbomNames    = []string{"model.spdx.json", "model.cdx.json", "sbom.spdx.json", "sbom.cdx.json", "bom.cdx.json"}
)

// sboms looks for the SBOM that names the file's digest: first among those of the configuration, then beside the file.
func (v *Verifier) sboms(_ context.Context, g *gatherer, s Subject, e *Evidence) error {
	for _, host := range v.opts.SBOMs {
		p, outside := host, true
		if rel, inside := v.opts.below(host); inside {
			if g.tree == nil {
				continue
			}
			p, outside = rel, false
		}
		if err := v.askSBOM(g, p, outside, true, s, e); err != nil || e.SBOM == SBOMMatch {
			return err
		}
	}
	if g.tree == nil {
		return nil
	}
	for _, name := range s.names() {
		for _, p := range sbomPaths(clean(name)) {
			if err := v.askSBOM(g, p, false, false, s, e); err != nil || e.SBOM == SBOMMatch {
				return err
			}
		}
	}
	return nil
}

func sbomPaths(name string) (paths []string) {
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, suffix := range sbomSuffixes {
		paths = append(paths, name+suffix)
		if stem != name && path.Base(stem) != "." {
			paths = append(paths, stem+suffix)
		}
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		for _, n := range sbomNames {
			paths = append(paths, path.Join(dir, n))
		}
		if dir == "." {
			return paths
		}
	}
}

// askSBOM notes what one document says. One that cannot be read is noted and passed over, unless the configuration names it.
func (v *Verifier) askSBOM(g *gatherer, p string, outside, trusted bool, s Subject, e *Evidence) error {
	b, err := g.readSBOM(p, outside, trusted)
	if large := (*TooLargeError)(nil); errors.As(err, &large) && !trusted {
		e.noSBOM(SBOMMalformed, p)
		e.unverifiable(p, "an SBOM of %d bytes, at most %d are read", large.Size, large.Max)
		return nil
	}
	if err != nil || b == nil {
		return err
	}
	d, err := sbom.Parse(b)
	switch {
	case err != nil && trusted:
		return fmt.Errorf("%s: %w", p, err)
	case err != nil:
		e.noSBOM(SBOMMalformed, p)
		e.unverifiable(p, "%v", err)
	case !d.Names(s.SHA256):
		e.noSBOM(SBOMUnrelated, p)
	default:
		e.SBOM, e.SBOMFile, e.SBOMDoc, e.SBOMTrusted = SBOMMatch, p, d.Raw, trusted
	}
	return nil
}

func (g *gatherer) readSBOM(p string, outside, trusted bool) ([]byte, error) {
	if trusted {
		return g.readTrusted(p, outside, sbom.MaxBytes)
	}
	return g.read(p, outside, sbom.MaxBytes)
}

// noSBOM records the first document that does not speak of the file.
func (e *Evidence) noSBOM(state, p string) {
	if e.SBOM == SBOMNone {
		e.SBOM, e.SBOMFile = state, p
	}
}
