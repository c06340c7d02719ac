package gatekeeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/provenance"
)

// judging is one judgement under way.
type judging struct {
	subject  Subject
	terms    *terms // of the whole judgement
	links    *linkNames
	report   *Report
	id       integrity.Identity
	manifest *integrity.Manifest
	content  []byte // the bytes that the manifest was made of, where the analyst takes them: set together, or nil
	evidence *provenance.Evidence
	result   *formats.Result
	tally    tally
	unmet    []string // requirements
	denials  []string // by the policy
	answered bool     // it was asked, and does not care who opens
	epochs   epochs   // taken before anything is looked up under them
	dirs     []dirStamp
	early    bool // refused before the analysis, by a requirement
}

// A refusal ends a judgement with a reason that is not a fault: the file keeps changing, a requirement is not met.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

// maxPasses is how often a file that changes while it is hashed is begun again.
const maxPasses = 3

// digest makes the Manifest, and makes sure that it is of one version: the identity is the same before and after the pass.
func (g *Gate) digest(ctx context.Context, c *judging) error {
	fd := int(c.subject.File.Fd())
	for range maxPasses {
		before, err := integrity.IdentityOf(fd)
		if err != nil {
			return err
		}
		c.id, c.report.Size = before, before.Size
		var content []byte // of this round: those of an earlier one may be of another version
		m := g.memory.manifest(before)
		if m == nil {
			m, content, err = g.pass(ctx, c, before.Size)
			if errors.Is(err, integrity.ErrChanged) {
				continue
			}
			if err != nil {
				return fmt.Errorf("reading the file: %w", err)
			}
		}
		after, err := integrity.IdentityOf(fd)
		if err != nil {
			return err
		}
		if after == before {
			c.manifest, c.content, c.report.SHA256 = m, content, m.Digest.String()
			g.memory.keepManifest(before, m)
			return nil
		}
	}
	return &refusal{"busy: the file changed during each of " + fmt.Sprint(maxPasses) +
		" passes over it; open it again when its writer is done"}
}

// A contentAnalyst is an Analyst that takes small files by their bytes: those that were hashed, read once.
type contentAnalyst interface {
	// TakesContent says whether it does, for a file of size bytes.
	TakesContent(size int64) bool
	AnalyseContent(ctx context.Context, f *os.File, m *integrity.Manifest, content []byte, names []string) (*formats.Result, error)
}

// pass is the one pass over the bytes, which it gives too where the analyst takes them.
func (g *Gate) pass(ctx context.Context, c *judging, size int64) (*integrity.Manifest, []byte, error) {
	if a, ok := g.cfg.Analyst.(contentAnalyst); !ok || !a.TakesContent(size) {
		m, err := integrity.Build(ctx, c.subject.File, size, c.subject.Progress)
		return m, nil, err
	}
	b, err := integrity.ReadWhole(c.subject.File, size)
	if err != nil {
		return nil, nil, err
	}
	if c.subject.Progress != nil {
		c.subject.Progress(size)
	}
	return integrity.OfBytes(b), b, nil
}

// failFast gathers the evidence before the analysis where provenance is required of a model by its name, so that an
// unsigned one costs nothing more than its digest. What a file is by content is known only after the analysis: the
// requirement is asked again then, of every class that it concerns.
func (g *Gate) failFast(ctx context.Context, c *judging) error {
	req := c.terms.Require
	if !req.Signature && !req.Checksums || c.terms.Profile == ProfileAudit || !plainlyModel[strings.ToLower(path.Ext(c.subject.Path))] {
		return nil
	}
	if err := g.examine(ctx, c); err != nil {
		return err
	}
	t := c.terms.scorer.add(provenance.Findings(c.evidence, formats.ClassModel, req), c.accepts())
	if len(req.Unmet(c.evidence, formats.ClassModel)) > 0 || len(t.fatal) > 0 {
		c.early = true
	}
	return nil
}

// plainlyModel are the names under which nothing but a model is expected. It decides when a requirement is first asked,
// not whether.
var plainlyModel = map[string]bool{
	".safetensors": true, ".gguf": true, ".bin": true, ".pt": true, ".pth": true, ".ckpt": true, ".pkl": true,
	".onnx": true, ".h5": true, ".keras": true, ".npz": true, ".joblib": true,
}

// analyse asks for the findings, by digest where these bytes were analysed under these names before.
func (g *Gate) analyse(ctx context.Context, c *judging) error {
	c.lookAround()
	if c.links.err != nil {
		return c.links.err
	}
	names := c.names()
	key := findingsKey(c.manifest.Digest, names)
	if c.early {
		c.result = &formats.Result{Format: formats.FormatOpaque, Class: formats.ClassModel}
	} else if c.result = g.memory.findings(key); c.result == nil {
		r, err := g.inspected(ctx, c, names)
		if err != nil {
			return fmt.Errorf("analysis: %w", err)
		}
		c.result = r
		g.memory.keepFindings(key, r)
	}
	r := c.result
	c.report.Format, c.report.Class, c.report.Facts, c.report.Truncated = r.Format, r.Class, r.Facts, r.Truncated
	return nil
}

// inspected asks the analyst, once in a judgement.
func (g *Gate) inspected(ctx context.Context, c *judging, names []string) (*formats.Result, error) {
	content := c.content
	if c.content = nil; content == nil {
		return g.cfg.Analyst.Analyse(ctx, c.subject.File, c.manifest, names)
	}
	return g.cfg.Analyst.(contentAnalyst).AnalyseContent(ctx, c.subject.File, c.manifest, content, names)
}

// lookAround finds the other names of the file, once. Every folder is stamped before it is looked through: what changes
// from then on makes the verdict outdated.
func (c *judging) lookAround() {
	if c.links != nil {
		return
	}
	c.dirs = stampDirs(nil, c.subject.Tree, c.subject.Path)
	c.links = loaderNames(c.subject.Tree, c.subject.Path)
	c.dirs = append(c.dirs, c.links.stamps...)
}

// names are the base names under which a loader may meet the file, the opened one first.
func (c *judging) names() []string {
	names := []string{path.Base(c.subject.Path)}
	for _, l := range c.links.paths {
		names = append(names, path.Base(l))
	}
	return names
}

// examine gathers the evidence for the digest, once.
func (g *Gate) examine(ctx context.Context, c *judging) error {
	if c.evidence != nil {
		return nil
	}
	c.lookAround()
	if c.links.err != nil {
		return c.links.err
	}
	c.dirs = stampDirs(c.dirs, c.subject.Tree, c.links.paths...)
	c.epochs = g.epochs()
	c.epochs.terms = c.terms.number
	e, err := g.cfg.Examiner.Evidence(ctx, provenanceTree(c.subject.Tree), provenance.Subject{
		Path: c.subject.Path, Links: c.links.paths, SHA256: c.manifest.Digest, Size: c.manifest.Size,
		File: integrity.NewReader(c.subject.File, c.manifest),
	})
	if err != nil {
		return fmt.Errorf("provenance: %w", err)
	}
	c.evidence = e
	c.report.Provenance = Provenance{
		Pinned: e.Pinned, Checksum: e.Checksum, SBOM: e.SBOM,
		Signature: Signature{Status: e.Signature.Status, Kind: e.Signature.Kind, Identity: e.Signature.Identity, Issuer: e.Signature.Issuer},
	}
	return nil
}

// provenanceTree keeps a nil Tree nil: an interface that holds a nil interface is not nil.
func provenanceTree(t Tree) provenance.Tree {
	if t == nil {
		return nil
	}
	return t
}

func (c *judging) accepts() map[string]bool {
	accepts := map[string]bool{}
	if c.evidence.Pinned {
		for _, r := range c.evidence.Accepts {
			accepts[r] = true
		}
	}
	return accepts
}

// origin is what the evidence means for the file.
func (c *judging) origin(req provenance.Requirements) []formats.Finding {
	return provenance.Findings(c.evidence, c.report.Class, req)
}

// score weighs what the analysis and the evidence found.
func (g *Gate) score(_ context.Context, c *judging) error {
	found := append(append([]formats.Finding{}, c.result.Findings...), c.origin(c.terms.Require)...)
	c.tally = c.terms.scorer.add(found, c.accepts())
	c.report.Score, c.report.Breakdown, c.report.Findings = c.tally.score, c.tally.breakdown, c.tally.findings
	c.report.Level = LevelOf(c.tally.score)
	c.unmet = c.terms.Require.Unmet(c.evidence, c.report.Class)
	return nil
}
