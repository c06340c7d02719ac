package provenance

import (
	"fmt"
	"slices"

	"trustfs/formats"
)

// Requirements are what the configuration demands beyond the score.
type Requirements struct {
	Signature bool // a signature by a trusted signer
	Checksums bool // an entry in a trusted list
	SBOM      bool // an SBOM that names the digest
}

// Findings says what the evidence means for a file of a class: the rules, without their weights.
//
// What convicts does so whatever else is known: checksum_mismatch, signature_invalid, and an unmet demand for a checksum
// or an SBOM. The rest says that nothing vouches for the file, and falls away as soon as something trusted does (a pin, a
// trusted list, a signature by a trusted signer): then a signature that cannot be checked proves no more than its absence,
// which whoever can write beside the file could have had too. For the same reason a signature by somebody unknown never
// costs less than none: it adds unknown_publisher to unsigned_model. Documents need nobody to vouch for them.
func Findings(e *Evidence, class formats.Class, req Requirements) []formats.Finding {
	needs := class != formats.ClassDocument
	doubted := needs && !e.acquits()
	var out []formats.Finding
	add := func(when bool, rule, where, detail string) {
		if when {
			out = append(out, formats.Finding{Rule: rule, Where: where, Detail: detail})
		}
	}
	for _, f := range e.Findings {
		if f.Rule != formats.RuleProvenanceUnverifiable || doubted {
			out = append(out, f)
		}
	}
	add(e.Checksum == ChecksumMismatch, formats.RuleChecksumMismatch, e.ChecksumList,
		fmt.Sprintf("expected %s, actual %s", short(e.Expected), short(e.Actual)))
	listed := e.Pinned || e.Checksum == ChecksumMatch && e.ChecksumTrusted
	add(req.Checksums && needs && !listed && e.Checksum != ChecksumMismatch, formats.RuleUnknownChecksum, "",
		"no trusted checksum list names the file; add it to one, or pin it")
	sig := e.Signature
	add(sig.Status == SignatureInvalid, formats.RuleSignatureInvalid, "", sig.Detail)
	add(doubted, formats.RuleUnsignedModel, "", unsignedDetail(sig.Status))
	add(doubted && sig.Status == SignatureUntrusted, formats.RuleUnknownPublisher, "", publisherDetail(sig))
	add(doubted && sig.Status == SignatureUnverifiable, formats.RuleProvenanceUnverifiable, "", sig.Detail)
	add(req.SBOM && needs && e.SBOM != SBOMMatch, formats.RuleSBOMMissing, e.SBOMFile, "no SBOM names the file's digest")
	return out
}

// Unmet names the demands that leave a file refused whatever its score, for people: the signature that is required and
// missing. A pin stands in for it only where it accepts unsigned_model in so many words.
func (r Requirements) Unmet(e *Evidence, class formats.Class) []string {
	if !r.Signature || class == formats.ClassDocument || e.Signature.Status == SignatureValid ||
		e.Pinned && slices.Contains(e.Accepts, formats.RuleUnsignedModel) {
		return nil
	}
	status := e.Signature.Status
	if status == "" {
		status = SignatureNone
	}
	return []string{"a signature by a trusted signer is required; this file's is: " + status}
}

func unsignedDetail(status string) string {
	switch status {
	case SignatureUntrusted:
		return "signed, but by nobody whom the configuration trusts"
	case SignatureUnverifiable, SignatureInvalid:
		return "no signature that holds"
	}
	return "no pin, trusted checksum or signature; pin it, sign it, or list it"
}

func publisherDetail(s Signature) string {
	d := s.Kind + " by " + s.Identity
	if s.Issuer != "" {
		d += " (" + s.Issuer + ")"
	}
	return d
}

// short is the first 16 hexadecimal digits of a digest, as reasons and events show them.
func short(digest string) string { return digest[:min(16, len(digest))] }
