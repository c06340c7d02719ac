package gatekeeper

import "fmt"

// A Profile is a named way of judging.
type Profile string

// The profiles. The zero value is ProfileStrict.
const (
	ProfileStrict  Profile = "strict"  // the rule table as it stands
	ProfileContent Profile = "content" // judged on content alone: provenance that is missing weighs nothing
	ProfileAudit   Profile = "audit"   // everything is computed and logged, nothing is refused
)

// ParseProfile reads a profile's name; "" is strict.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return ProfileStrict, nil
	case ProfileStrict, ProfileContent, ProfileAudit:
		return p, nil
	}
	return "", fmt.Errorf("profile %q: expected strict, content or audit", s)
}

// DefaultMaxScore admits 20 and refuses 21.
const DefaultMaxScore = 20
