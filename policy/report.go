package policy

import (
	"encoding/json"
	"fmt"
)

// auditReport is what "audit --json" prints for one file, as far as a policy sees it.
type auditReport struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Report
	Provenance struct {
		Pinned    bool      `json:"pinned"`
		Checksum  string    `json:"checksum"`
		Signature Signature `json:"signature"`
		SBOM      string    `json:"sbom"`
	} `json:"provenance"`
}

// FromReport makes an Input of one line of "audit --json": what the report does not tell (owner, context, opener, the SBOM's
// document) is null, until it is set.
func FromReport(line []byte) (Input, error) {
	var r auditReport
	if err := json.Unmarshal(line, &r); err != nil {
		return Input{}, fmt.Errorf("not a report as audit --json prints it: %w", err)
	}
	if r.Path == "" {
		return Input{}, fmt.Errorf("not a report as audit --json prints it: it has no path")
	}
	return Input{
		Report: r.Report,
		Provenance: Provenance{
			Pinned: r.Provenance.Pinned, Checksum: r.Provenance.Checksum, Signature: r.Provenance.Signature,
		},
		SBOM: SBOM{Status: r.Provenance.SBOM},
		File: File{Path: r.Path, SHA256: r.SHA256, Size: r.Size},
	}, nil
}
