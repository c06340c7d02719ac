package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"trustfs/integrity"
)

var (
	sum   = integrity.Digest(sha256.Sum256([]byte("weights")))
	other = integrity.Digest(sha256.Sum256([]byte("other")))
	upper = strings.ToUpper(hex.EncodeToString(sum[:]))
)

func spdx2(version, algorithm, value string) string {
	return fmt.Sprintf(`{"spdxVersion":%q,"dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"m","documentNamespace":"https://example.com/m",
"creationInfo":{"creators":["Tool: x"],"created":"2026-01-01T00:00:00Z"},
"packages":[{"name":"m","SPDXID":"SPDXRef-m","downloadLocation":"NOASSERTION","licenseConcluded":"MIT","checksums":[{"algorithm":%q,"checksumValue":%q}]}]}`, version, algorithm, value)
}

func cyclonedx(version, algorithm, value string) string {
	return fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":%q,"version":1,"components":[{"type":"library","name":"l","components":[
{"type":"machine-learning-model","name":"m","hashes":[{"alg":%q,"content":%q}],"modelCard":{"modelParameters":{"task":"x"}}}]}]}`, version, algorithm, value)
}

func spdx3(algorithm, value string) string {
	return fmt.Sprintf(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"ai_AIPackage","spdxId":"https://e/m","name":"m","ai_safetyRiskAssessment":"low","verifiedUsing":[{"type":"Hash","algorithm":%q,"hashValue":%q}]}]}`, algorithm, value)
}

func TestParse(t *testing.T) {
	lower := sum.String()
	tests := []struct {
		name, doc, kind string
		names           bool
	}{
		{"SPDX 2.3", spdx2("SPDX-2.3", "SHA256", lower), SPDX2, true},
		{"SPDX 2.2, upper case", spdx2("SPDX-2.2", "SHA256", upper), SPDX2, true},
		{"SPDX, SHA-1 of that look", spdx2("SPDX-2.3", "SHA512", lower), SPDX2, false},
		{"SPDX, another file", spdx2("SPDX-2.3", "SHA256", other.String()), SPDX2, false},
		{"SPDX, a file", strings.Replace(spdx2("SPDX-2.3", "SHA256", other.String()), `"packages"`, fmt.Sprintf(`"files":[{"fileName":"./m","SPDXID":"SPDXRef-f","checksums":[{"algorithm":"SHA256","checksumValue":%q}]}],"packages"`, lower), 1), SPDX2, true},
		{"CycloneDX 1.4", cyclonedx("1.4", "SHA-256", lower), CycloneDX, true},
		{"CycloneDX 1.6", cyclonedx("1.6", "SHA-256", upper), CycloneDX, true},
		{"CycloneDX, other algorithm", cyclonedx("1.6", "SHA3-256", lower), CycloneDX, false},
		{"CycloneDX, described component", fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"file","name":"m","hashes":[{"alg":"SHA-256","content":%q}]}}}`, lower), CycloneDX, true},
		{"SPDX 3", spdx3("sha256", lower), SPDX3, true},
		{"SPDX 3, other algorithm", spdx3("blake3", lower), SPDX3, false},
		{"SPDX 3, hash beside", fmt.Sprintf(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"ai_AIPackage","verifiedUsing":["_:h"]},{"type":"Hash","@id":"_:h","algorithm":"sha256","hashValue":%q}]}`, lower), SPDX3, true},
		{"SPDX 3, hash that nobody uses", fmt.Sprintf(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"Hash","@id":"_:h","algorithm":"sha256","hashValue":%q}]}`, lower), SPDX3, false},
	}
	for _, tt := range tests {
		d, err := Parse([]byte(tt.doc))
		if err != nil || d.Kind != tt.kind || d.Names(sum) != tt.names || d.Raw == nil {
			t.Errorf("%s: %+v, %v", tt.name, d, err)
		}
	}
}

func TestBadDocuments(t *testing.T) {
	for name, doc := range map[string]string{
		"empty": "", "text": "hello", "a list": "[]", "another JSON": `{"a":1}`, "cut": spdx2("SPDX-2.3", "SHA256", upper)[:200],
		"key twice":       strings.Replace(spdx2("SPDX-2.3", "SHA256", upper), `"name":"m"`, `"name":"m","name":"n"`, 1),
		"SPDX 9":          spdx2("SPDX-9.9", "SHA256", upper),
		"CycloneDX 1.3":   cyclonedx("1.3", "SHA-256", upper),
		"CycloneDX 7":     cyclonedx("7.0", "SHA-256", upper),
		"other format":    `{"bomFormat":"Other","specVersion":"1.5"}`,
		"SPDX 3, no list": `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":7}`,
		"large":           strings.Repeat(" ", MaxBytes+1),
		"deep":            strings.Repeat(`{"components":[`, 100),
	} {
		if d, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%s: taken as %s", name, d.Kind)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{spdx2("SPDX-2.3", "SHA256", upper), spdx2("SPDX-2.2", "SHA256", upper), cyclonedx("1.5", "SHA-256", upper), spdx3("sha256", upper)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err == nil && d.Names(other) && !strings.Contains(strings.ToLower(string(b)), other.String()[:8]) && !strings.Contains(string(b), `\u`) {
			t.Error("names a digest that is not in it")
		}
	})
}
