package gatekeeper

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"trustfs/formats"
)

// A Report is all that there is to say about one file, and what outside programs read (audit --json, xattrs, .trustfs).
type Report struct {
	Path      string         `json:"path"` // in the tree, or as given to audit; invalid UTF-8 replaced, see PathB64
	PathB64   string         `json:"path_b64,omitempty"`
	Verdict   Verdict        `json:"verdict"`
	Level     Level          `json:"level"`
	Score     int            `json:"score"`
	Format    string         `json:"format"`
	Class     formats.Class  `json:"class"`
	Size      int64          `json:"size"` // bytes
	SHA256    string         `json:"sha256,omitempty"`
	Breakdown map[string]int `json:"breakdown"` // rule to what it adds to the score
	Findings  []Finding      `json:"findings"`
	Truncated int            `json:"findings_truncated,omitempty"`
	Facts     formats.Facts  `json:"facts"`

	Provenance Provenance `json:"provenance"`
	Warnings   []string   `json:"warnings,omitempty"` // from the policy: said, not counted
	Reasons    []string   `json:"reasons"`            // why the verdict is what it is, for people; never empty on a denial
	Audit      bool       `json:"audit_only,omitempty"`
	ElapsedMS  float64    `json:"elapsed_ms"`
}

// A Finding is formats.Finding with the weight that the rule table gives it.
type Finding struct {
	Rule   string `json:"rule"`
	Score  int    `json:"score"`
	Fatal  bool   `json:"fatal,omitempty"`
	Where  string `json:"where,omitempty"`
	Detail string `json:"detail,omitempty"`
	Preset string `json:"preset,omitempty"` // the preset that would admit it
}

// Provenance is what was found about a file's origin.
type Provenance struct {
	Pinned    bool      `json:"pinned"`
	Checksum  string    `json:"checksum"` // none, match, mismatch, unlisted
	Signature Signature `json:"signature"`
	SBOM      string    `json:"sbom"`
}

// Signature is the state of a file's signature.
type Signature struct {
	Status   string `json:"status"` // none, valid, untrusted, invalid, unverifiable
	Kind     string `json:"kind,omitempty"`
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
}

// SetPath stores a name of any bytes: JSON carries UTF-8 only, so other names are also given in base64.
func (r *Report) SetPath(path string) {
	r.Path, r.PathB64 = path, ""
	if !utf8.ValidString(path) {
		r.PathB64 = base64.StdEncoding.EncodeToString([]byte(path))
	}
}

// same says whether two reports tell the operator the same: a verdict that was only looked up anew is no new event.
func (r *Report) same(other *Report) bool {
	return r.Verdict == other.Verdict && r.Score == other.Score && r.SHA256 == other.SHA256 && slices.Equal(r.Reasons, other.Reasons)
}

// MaxXattrReport bounds the report in an extended attribute (Linux allows 64 KiB for a value).
const MaxXattrReport = 60 << 10

// XattrJSON is the report in at most MaxXattrReport bytes: where it is longer, lists give way to their counts and
// "truncated" is true.
func (r *Report) XattrJSON() []byte {
	if b, err := json.Marshal(r); err == nil && len(b) <= MaxXattrReport {
		return b
	}
	short := *r
	short.Findings, short.Facts, short.Warnings = nil, formats.Facts{}, nil
	for i, reason := range short.Reasons {
		if i == 20 {
			short.Reasons = short.Reasons[:20]
			break
		}
		if len(reason) > 1000 {
			short.Reasons = append([]string(nil), short.Reasons...)
			short.Reasons[i] = reason[:1000]
		}
	}
	b, err := json.Marshal(struct {
		Report
		Cut      bool `json:"truncated"`
		Findings int  `json:"findings_count"`
		Globals  int  `json:"globals_count"`
	}{short, true, len(r.Findings) + r.Truncated, len(r.Facts.Globals)})
	if err != nil || len(b) > MaxXattrReport {
		return []byte(`{"verdict":"` + r.Verdict.String() + `","truncated":true}`)
	}
	return b
}
