package envelope

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"trustfs/integrity"
	"trustfs/provenance/strictjson"
)

// A Statement is an in-toto statement, see https://github.com/in-toto/attestation/tree/main/spec/v1.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// A Subject is one thing that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

const statementPrefix = "https://in-toto.io/Statement/"

// ParseStatement reads a statement, strictly.
func ParseStatement(b []byte) (*Statement, error) {
	var s Statement
	if err := strictjson.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("not an in-toto statement: %w", err)
	}
	if !strings.HasPrefix(s.Type, statementPrefix) {
		return nil, fmt.Errorf("a statement of type %.80q; expected %sv1", s.Type, statementPrefix)
	}
	if len(s.Subject) == 0 {
		return nil, fmt.Errorf("a statement about nothing: it has no subject")
	}
	return &s, nil
}

// endorsements are the predicate types by which a signer stands for the subjects, whatever the predicate holds. Of most
// others that cannot be said: a verification summary may say FAILED, a scan may list what it found, a test how it failed,
// and all of them name the file's digest.
var endorsements = map[string]bool{
	"https://sigstore.dev/cosign/sign/v1":  true, // what cosign signs instead of a bare signature; the predicate is empty
	"https://slsa.dev/provenance/v0.2":     true, // "I have built these", https://slsa.dev/spec/v0.2/provenance
	"https://slsa.dev/provenance/v1":       true, // https://slsa.dev/spec/v1.0/provenance, GitHub's attestations among them
	"https://model_signing/Digests/v0.1":   true, // model signing 0.2: a subject for each file, the predicate is unused
	"https://model_signing/signature/v1.0": true, // whose entries the package modelsigning checks
}

// Endorses says whether the statement's type is one by which its signer stands for the subjects.
func (s *Statement) Endorses() bool { return endorsements[s.PredicateType] }

// Names says whether one of the subjects has the SHA-256.
func (s *Statement) Names(sum integrity.Digest) bool {
	for _, sub := range s.Subject {
		d, err := hex.DecodeString(sub.Digest["sha256"])
		if err == nil && len(d) == len(sum) && string(d) == string(sum[:]) {
			return true
		}
	}
	return false
}
