package advice

import (
	"fmt"
	"maps"

	"trustfs/gatekeeper"
	"trustfs/policy"
)

// input is the file's part of the policy's input document. What is not known stays null.
func (a *Adviser) input(q *gatekeeper.Question) policy.Input {
	r, e := q.Report, q.Evidence
	in := policy.Input{
		Report: policy.Report{
			Format: r.Format, Formats: []string{}, Class: string(r.Class), Score: r.Score, Level: string(r.Level),
			Breakdown: maps.Clone(r.Breakdown), Findings: []policy.Finding{},
			Facts: policy.Facts{
				Globals: r.Facts.Globals, Calls: r.Facts.Calls, Tensors: r.Facts.Tensors, Parameters: r.Facts.Parameters,
				Dtypes: r.Facts.Dtypes, ViewOf: r.Facts.ViewOf, Extra: r.Facts.Extra,
			},
		},
		Provenance: policy.Provenance{
			Pinned: e.Pinned, Accepts: e.Accepts, Checksum: e.Checksum, ChecksumTrusted: e.ChecksumTrusted,
			ChecksumList: known(e.ChecksumList),
			Signature: policy.Signature{
				Status: e.Signature.Status, Kind: known(e.Signature.Kind), Identity: known(e.Signature.Identity), Issuer: known(e.Signature.Issuer),
			},
		},
		SBOM:    policy.SBOM{Status: e.SBOM, File: known(e.SBOMFile), Document: e.SBOMDoc},
		File:    policy.File{Path: q.Path, Links: q.Links, SHA256: r.SHA256, Size: r.Size},
		Context: a.context,
	}
	if at := q.File; at != nil {
		mode := fmt.Sprintf("%04o", at.Mode)
		in.File.UID, in.File.GID, in.File.Mode = &at.UID, &at.GID, &mode
	}
	for _, f := range r.Findings {
		in.Report.Findings = append(in.Report.Findings, policy.Finding{
			Rule: f.Rule, Score: f.Score, Fatal: f.Fatal, Where: f.Where, Detail: f.Detail, Preset: f.Preset,
		})
	}
	return in
}

// known is null for what is not.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
