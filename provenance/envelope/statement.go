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
