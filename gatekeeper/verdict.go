package gatekeeper

import "encoding/json"

// Verdict is the decision. Its zero value denies.
type Verdict int

// The verdicts. Only decide writes Allow.
const (
	Deny Verdict = iota
	Allow
)

func (v Verdict) String() string {
	if v == Allow {
		return "allow"
	}
	return "deny"
}

// MarshalJSON gives "allow" or "deny".
func (v Verdict) MarshalJSON() ([]byte, error) { return json.Marshal(v.String()) }

// UnmarshalJSON reads "allow"; everything else is Deny.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*v = Deny
	if s == "allow" {
		*v = Allow
	}
	return nil
}

// Level names a range of scores.
type Level string

// The levels, on the scale SAFE 0, LOW 1-19, MEDIUM 20-49, HIGH 50-79, CRITICAL 80 and more.
const (
	Safe     Level = "SAFE"
	Low      Level = "LOW"
	Medium   Level = "MEDIUM"
	High     Level = "HIGH"
	Critical Level = "CRITICAL"
)

// LevelOf names the range that a score falls into.
func LevelOf(score int) Level {
	switch {
	case score <= 0:
		return Safe
	case score < 20:
		return Low
	case score < 50:
		return Medium
	case score < 80:
		return High
	}
	return Critical
}
