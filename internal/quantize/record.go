package quantize

import (
	"encoding/json"
	"time"

	"trustfs/integrity"
)

// A Record says where a quantised model comes from.
type Record struct {
	Name              string
	Digest            integrity.Digest
	Input             string
	InputDigest       integrity.Digest
	Tool              Tool
	Type              string
	Started, Finished time.Time
}

// Identifiers of the statement. See the in-toto attestation framework (Statement v1) and SLSA provenance v1.
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://slsa.dev/provenance/v1"
	buildType     = "urn:trustfs:quantize:v1"
)

// Statement is the record as an in-toto statement with SLSA provenance: input and tool as resolved dependencies.
func (r Record) Statement() ([]byte, error) {
	type resource struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	}
	of := func(name string, d integrity.Digest) resource {
		return resource{Name: name, Digest: map[string]string{"sha256": d.String()}}
	}
	b, err := json.MarshalIndent(map[string]any{
		"_type":         statementType,
		"subject":       []resource{of(r.Name, r.Digest)},
		"predicateType": predicateType,
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":            buildType,
				"externalParameters":   map[string]any{"type": r.Type},
				"resolvedDependencies": []resource{of(r.Input, r.InputDigest), of(r.Tool.Path, r.Tool.SHA256)},
			},
			"runDetails": map[string]any{
				"builder":  map[string]any{"id": "urn:trustfs"},
				"metadata": map[string]any{"startedOn": r.Started.Format(time.RFC3339), "finishedOn": r.Finished.Format(time.RFC3339)},
			},
		},
	}, "", "  ")
	return append(b, '\n'), err
}
