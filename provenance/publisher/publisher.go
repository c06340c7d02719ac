// Package publisher says whose signatures count: rules that match whole identities, never parts of a string.
package publisher

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// A Rule names identities, and where given the issuer that must have vouched for them. The zero Rule matches nobody.
//
//	alice@example.com                   that mail address
//	@example.com                        every mail address in that domain; not in domains below it
//	https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*
//	                                    a URI; "*", "?" and "[...]" stand for characters within one path segment, and a
//	                                    last segment "**" for one or more segments
//	openai.com, huggingface.co/meta     https, that host, and every path that begins with these whole segments
type Rule struct {
	Identity string
	Issuer   string // exact; empty for any
}

// Parse reads a rule as flags have it: the identity, and after a space the issuer. It refuses what could match nothing, or
// more than it says.
func Parse(s string) (Rule, error) {
	id, issuer, _ := strings.Cut(strings.TrimSpace(s), " ")
	r := Rule{Identity: id, Issuer: strings.TrimSpace(issuer)}
	return r, r.Validate()
}

// Validate says what is wrong with a rule.
func (r Rule) Validate() error {
	fail := func(why string) error { return fmt.Errorf("trusted publisher %q: %s", r.Identity, why) }
	switch {
	case r.Identity == "":
		return errors.New("trusted publisher: an empty identity")
	case r.Issuer != "" && (!isURI(r.Issuer) || strings.ContainsAny(r.Issuer, " \t\n")):
		return fail("the issuer after the space is no URI")
	case strings.HasPrefix(r.Identity, "@"):
		if !isDomain(r.Identity[1:]) {
			return fail("expected @ and a mail domain")
		}
	case isURI(r.Identity):
		u, err := parseURI(r.Identity)
		if err != nil {
			return fail(err.Error())
		}
		if strings.ContainsAny(u.Scheme+u.Host, "*?[") {
			return fail("patterns stand for parts of a path only")
		}
		if _, err := path.Match(u.Path, ""); err != nil {
			return fail("a pattern that is not closed")
		}
	case strings.Contains(r.Identity, "@"):
		if strings.ContainsAny(r.Identity, "*?[/ ") {
			return fail("a mail address is matched whole; @domain stands for all in a domain")
		}
	default:
		u, err := parseURI("https://" + r.Identity)
		if err != nil || !isDomain(u.Host) || strings.ContainsAny(r.Identity, "*?[") {
			return fail("expected a mail address, @domain, a URI, or a host with a path")
		}
	}
	return nil
}

// Match says whether the rule names an identity that issuer vouched for.
func (r Rule) Match(identity, issuer string) bool {
	if r.Validate() != nil || identity == "" || r.Issuer != "" && r.Issuer != issuer {
		return false
	}
	switch {
	case r.Identity == identity:
		return true
	case strings.HasPrefix(r.Identity, "@"):
		return inDomain(identity, r.Identity[1:])
	case isURI(r.Identity):
		return matchURI(r.Identity, identity)
	case strings.Contains(r.Identity, "@"):
		local, domain, _ := cutMail(r.Identity)
		gotLocal, gotDomain, ok := cutMail(identity)
		return ok && local == gotLocal && strings.EqualFold(domain, gotDomain)
	}
	return beneath("https://"+r.Identity, identity)
}

func isURI(s string) bool { return strings.Contains(s, "://") }

// cutMail parts an address; it must be one: one "@", and nothing that belongs into a URI or a header.
func cutMail(s string) (local, domain string, ok bool) {
	local, domain, ok = strings.Cut(s, "@")
	return local, domain, ok && local != "" && isDomain(domain) && !strings.ContainsAny(s, "/:<>\",; \t\r\n\x00")
}

func inDomain(identity, domain string) bool {
	_, got, ok := cutMail(identity)
	return ok && strings.EqualFold(got, domain)
}

func isDomain(s string) bool {
	if s == "" || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == ':')
	}) < 0
}

// parseURI takes plain URIs only: a scheme, a host and a path whose segments are what they seem. Escapes, "..", empty
// segments, user names, queries and fragments are ways to look like somebody else.
func parseURI(s string) (*url.URL, error) {
	if strings.ContainsAny(s, "%\\ \t\r\n\x00#") {
		return nil, errors.New("a URI with escapes, spaces or a fragment")
	}
	s = strings.ReplaceAll(s, "?", "%3F") // "?" is a pattern here, and a query in an identity: never parsed as one
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URI")
	case u.User != nil || u.Host == "" || u.Opaque != "":
		return nil, errors.New("expected scheme://host/path")
	}
	if u.Path == "" || u.Path == "/" {
		return u, nil
	}
	for _, seg := range strings.Split(u.Path[1:], "/") {
		if seg == "" || seg == "." || seg == ".." {
			return nil, errors.New("a path with empty, . or .. segments")
		}
	}
	return u, nil
}

func segments(u *url.URL) []string {
	p := strings.Trim(u.Path, "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// matchURI holds an identity against a URI with patterns, segment by segment.
func matchURI(pattern, identity string) bool {
	p, err := parseURI(pattern)
	if err != nil {
		return false
	}
	id, err := parseURI(identity)
	if err != nil || strings.Contains(identity, "?") || !strings.EqualFold(p.Scheme, id.Scheme) || !strings.EqualFold(p.Host, id.Host) {
		return false
	}
	want, got := segments(p), segments(id)
	for i, seg := range want {
		if seg == "**" && i == len(want)-1 {
			return len(got) > i
		}
		if i >= len(got) {
			return false
		}
		if ok, err := path.Match(seg, got[i]); err != nil || !ok {
			return false
		}
	}
	return len(got) == len(want)
}

// beneath says whether identity is prefix or lies below it, by whole segments.
func beneath(prefix, identity string) bool {
	p, err := parseURI(prefix)
	if err != nil {
		return false
	}
	id, err := parseURI(identity)
	if err != nil || strings.Contains(identity, "?") || !strings.EqualFold(p.Scheme, id.Scheme) || !strings.EqualFold(p.Host, id.Host) {
		return false
	}
	want, got := segments(p), segments(id)
	if len(got) < len(want) {
		return false
	}
	for i := range want {
		if want[i] != got[i] {
			return false
		}
	}
	return true
}
