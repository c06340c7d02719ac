package provenance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
)

// TestFindingsTable walks all combinations and states each rule as an independent sentence.
func TestFindingsTable(t *testing.T) {
	n := 0
	for _, class := range []formats.Class{formats.ClassModel, formats.ClassCode, formats.ClassOpaque, formats.ClassDocument, ""} {
		for _, sum := range []string{ChecksumNone, ChecksumMatch, ChecksumMismatch, ChecksumUnlisted} {
			for _, sig := range []string{"", SignatureNone, SignatureValid, SignatureUntrusted, SignatureInvalid, SignatureUnverifiable} {
				for _, sbom := range []string{SBOMNone, SBOMMatch, SBOMUnrelated, SBOMMalformed} {
					for bits := range 32 {
						pinned, trusted := bits&1 != 0, bits&2 != 0
						req := Requirements{Signature: bits&4 != 0, Checksums: bits&8 != 0, SBOM: bits&16 != 0}
						e := &Evidence{
							Pinned: pinned, Checksum: sum, ChecksumTrusted: trusted, Expected: strings.Repeat("e", 64), Actual: strings.Repeat("a", 64),
							Signature: Signature{Status: sig}, SBOM: sbom,
						}
						got := rules(Findings(e, class, req))
						doc := class == formats.ClassDocument
						vouched := pinned || sum == ChecksumMatch && trusted || sig == SignatureValid
						want := map[string]bool{
							formats.RuleChecksumMismatch:       sum == ChecksumMismatch,
							formats.RuleSignatureInvalid:       sig == SignatureInvalid,
							formats.RuleUnsignedModel:          !doc && !vouched,
							formats.RuleUnknownPublisher:       !doc && !vouched && sig == SignatureUntrusted,
							formats.RuleProvenanceUnverifiable: !doc && !vouched && sig == SignatureUnverifiable,
							formats.RuleUnknownChecksum:        !doc && req.Checksums && !pinned && !(sum == ChecksumMatch && trusted) && sum != ChecksumMismatch,
							formats.RuleSBOMMissing:            !doc && req.SBOM && sbom != SBOMMatch,
						}
						for rule, w := range want {
							if slices.Contains(got, rule) != w {
								t.Fatalf("%s %s/%v sig %q sbom %s pinned %v %+v: findings %v, want %s: %v", class, sum, trusted, sig, sbom, pinned, req, got, rule, w)
							}
						}
						if unmet := req.Unmet(e, class); (len(unmet) > 0) != (req.Signature && !doc && sig != SignatureValid) {
							t.Fatalf("unmet %v for %q, required %v", unmet, sig, req.Signature)
						}
						n++
					}
				}
			}
		}
	}
	if n != 5*4*6*4*32 {
		t.Errorf("%d combinations", n)
	}
}

func rules(fs []formats.Finding) (names []string) {
	for _, f := range fs {
		names = append(names, f.Rule)
	}
	return names
}

func TestMismatchShowsSixteenDigits(t *testing.T) {
	e := &Evidence{Checksum: ChecksumMismatch, ChecksumList: "checksums.txt", Expected: strings.Repeat("e", 64), Actual: strings.Repeat("a", 64)}
	f := Findings(e, formats.ClassDocument, Requirements{})
	want := fmt.Sprintf("expected %s, actual %s", strings.Repeat("e", 16), strings.Repeat("a", 16))
	if len(f) != 1 || f[0].Detail != want || f[0].Where != "checksums.txt" {
		t.Errorf("%+v", f)
	}
}

func TestRequiredSignatureAndPin(t *testing.T) {
	req := Requirements{Signature: true}
	if len(req.Unmet(&Evidence{Pinned: true, Accepts: []string{"reduce"}}, formats.ClassModel)) == 0 {
		t.Error("a pin stood in for the required signature")
	}
	if len(req.Unmet(&Evidence{Pinned: true, Accepts: []string{"unsigned_model"}}, formats.ClassModel)) != 0 {
		t.Error("a pin that accepts unsigned_model did not stand in for the required signature")
	}
}

func TestFindingsOfTheEvidenceItself(t *testing.T) {
	e := &Evidence{Findings: []formats.Finding{{Rule: formats.RuleProvenanceUnverifiable, Where: "checksums.txt:1"}, {Rule: "other"}}}
	if got := rules(Findings(e, formats.ClassModel, Requirements{})); !slices.Equal(got, []string{"provenance_unverifiable", "other", "unsigned_model"}) {
		t.Errorf("doubted: %v", got)
	}
	e.Pinned = true
	if got := rules(Findings(e, formats.ClassModel, Requirements{})); !slices.Equal(got, []string{"other"}) {
		t.Errorf("pinned: %v", got)
	}
}
