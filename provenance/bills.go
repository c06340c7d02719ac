package provenance

import (
	"context"

	"trustfs/integrity"
	"trustfs/internal/lean"
	"trustfs/provenance/sbom"
)

// A bill is one version of an SBOM, parsed, or why it cannot be. It is shared by judgements, and never changed.
type bill struct {
	doc *sbom.Document // Raw is nil when it was too large to be remembered
	err error
}

// Bounds of what is remembered. A document takes up to some 30 times its length in memory, its digests alone 40 bytes each.
const (
	maxRememberedRaw  = 4 << 20 // bytes of all documents that are remembered whole
	maxRememberedSums = 1 << 18 // digests in all documents, and each document counts for one
)

// bills remembers SBOMs by the version they were read from. Verifier.mu guards it.
type bills struct {
	known map[integrity.Identity]*bill
	raw   int64 // bytes, see maxRememberedRaw
	sums  int
}

// keep remembers one more version, in the place of all others where it would be too much with them.
func (m *bills) keep(id integrity.Identity, b *bill) {
	sums, raw := 1, int64(0)
	if b.doc != nil {
		sums += b.doc.Digests()
		if raw = id.Size; raw > maxRememberedRaw {
			b, raw = &bill{doc: b.doc.Bare()}, 0
		}
	}
	if m.known[id] != nil || sums > maxRememberedSums {
		return
	}
	if m.known == nil || m.sums+sums > maxRememberedSums || m.raw+raw > maxRememberedRaw {
		*m = bills{known: map[integrity.Identity]*bill{}}
	}
	m.known[id] = b
	m.sums += sums
	m.raw += raw
}

// recalled is a remembered version, if it is enough to answer for a digest: a document that names it is wanted whole.
func (v *Verifier) recalled(in *sidecar, sum integrity.Digest) *bill {
	if in.id.Racy {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	b := v.bills.known[in.id.ID]
	if b != nil && b.doc != nil && b.doc.Raw == nil && b.doc.Names(sum) {
		return nil
	}
	return b
}

// document reads and parses an SBOM, or recalls it. One is parsed at a time: each takes many times its length in memory.
func (v *Verifier) document(ctx context.Context, in *sidecar, sum integrity.Digest) (*bill, error) {
	if err := lean.Lacks("the SBOM " + in.id.Path); err != nil {
		return nil, err
	}
	if b := v.recalled(in, sum); b != nil {
		return b, nil
	}
	select {
	case v.parsing <- struct{}{}:
		defer func() { <-v.parsing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b := v.recalled(in, sum); b != nil { // by who parsed it meanwhile
		return b, nil
	}
	text, err := readWhole(in, sbom.MaxBytes)
	if err != nil {
		return nil, err
	}
	b := &bill{}
	b.doc, b.err = sbom.Parse(text)
	if !in.id.Racy {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.bills.keep(in.id.ID, b)
	}
	return b, nil
}
