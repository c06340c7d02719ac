package provenance

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"trustfs/integrity"
	"trustfs/provenance/sbom"
)

// sbomSuffixes follow the file's name, with and without its extension; sbomNames stand for themselves in the file's folder
// and each one above it.
var (
	sbomSuffixes = []string{".spdx.json", ".cdx.json"}
	sbomNames    = []string{"model.spdx.json", "model.cdx.json", "sbom.spdx.json", "sbom.cdx.json", "bom.cdx.json"}
)

// What one judgement reads of the SBOMs in the tree, whether they are remembered or not: a verdict must not hang on what
// was judged before. A file has one SBOM, perhaps in both formats, and one for the folder.
const (
	maxSBOMs     = 4
	maxSBOMBytes = sbom.MaxBytes
)

// An sbomSearch looks for the SBOM that names one file's digest.
type sbomSearch struct {
	v     *Verifier
	g     *gatherer
	s     Subject
	e     *Evidence
	files map[integrity.Identity]bool // in the tree, read or recalled; one that many links lead to counts once
	bytes int64                       // in them
}

// sboms asks the SBOMs of the configuration, then, where they are wanted, those beside the file.
func (v *Verifier) sboms(ctx context.Context, g *gatherer, s Subject, e *Evidence) error {
	q := &sbomSearch{v: v, g: g, s: s, e: e, files: map[integrity.Identity]bool{}}
	for _, host := range v.opts.SBOMs {
		p, outside := host, true
		if rel, inside := v.opts.below(host); inside {
			if g.tree == nil {
				continue
			}
			p, outside = rel, false
		}
		if err := q.configured(ctx, p, outside); err != nil || e.SBOM == SBOMMatch {
			return err
		}
	}
	if g.tree == nil || !v.opts.SBOMsInTree {
		return nil
	}
	for _, name := range s.names() {
		for _, p := range sbomPaths(clean(name)) {
			if more, err := q.beside(ctx, p); err != nil || !more {
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

// configured asks a document that the configuration names: one that cannot be relied on or read refuses everything.
func (q *sbomSearch) configured(ctx context.Context, p string, outside bool) error {
	in, err := q.g.openTrusted(p, outside)
	if err != nil {
		return err
	}
	defer in.close()
	d, err := q.v.document(ctx, in, q.s.SHA256)
	if err == nil && d.err != nil {
		err = fmt.Errorf("%s: %w", p, d.err)
	}
	if err != nil {
		return err
	}
	q.answer(p, d, true)
	return nil
}

// beside asks a document in the tree, if there is one; more is false when that settles it. One that cannot be read is noted
// and passed over.
func (q *sbomSearch) beside(ctx context.Context, p string) (more bool, err error) {
	const attempts = 3 // as for every sidecar that is written to while it is read
	for i := 1; ; i++ {
		n := len(q.g.seen)
		in, err := q.g.open(p, false)
		if err != nil || in.file == nil {
			return true, err
		}
		more, err = q.ask(ctx, p, in)
		in.close()
		if !errors.Is(err, ErrBusy) || i == attempts {
			return more, err
		}
		q.g.seen = q.g.seen[:n]
	}
}

func (q *sbomSearch) ask(ctx context.Context, p string, in *sidecar) (more bool, err error) {
	size := in.id.ID.Size
	switch {
	case q.files[in.id.ID]: // it has answered under another name
		return true, nil
	case size > sbom.MaxBytes:
		q.e.noSBOM(SBOMMalformed, p)
		q.e.unverifiable(p, "an SBOM of %d bytes, at most %d are read", size, sbom.MaxBytes)
		return true, nil
	case len(q.files) == maxSBOMs || q.bytes+size > maxSBOMBytes:
		q.e.noSBOM(SBOMMalformed, p)
		q.e.unverifiable(p, "too many SBOMs: at most %d with %d bytes in all are read for a file; this one and what follows is not", maxSBOMs, maxSBOMBytes)
		return false, nil
	}
	d, err := q.v.document(ctx, in, q.s.SHA256)
	if err != nil {
		return false, err
	}
	q.files[in.id.ID] = true
	q.bytes += size
	if d.err != nil {
		q.e.noSBOM(SBOMMalformed, p)
		q.e.unverifiable(p, "%v", d.err)
		return true, nil
	}
	q.answer(p, d, false)
	return q.e.SBOM != SBOMMatch, nil
}

// answer notes what a document says of the file.
func (q *sbomSearch) answer(p string, d *bill, trusted bool) {
	if !d.doc.Names(q.s.SHA256) {
		q.e.noSBOM(SBOMUnrelated, p)
		return
	}
	q.e.SBOM, q.e.SBOMFile, q.e.SBOMDoc, q.e.SBOMTrusted = SBOMMatch, p, d.doc.Raw, trusted
}

// noSBOM records the first document that does not speak of the file.
func (e *Evidence) noSBOM(state, p string) {
	if e.SBOM == SBOMNone {
		e.SBOM, e.SBOMFile = state, p
	}
}
