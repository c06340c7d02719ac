package publisher

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const google = "https://accounts.google.com"
	tests := []struct {
		rule, identity, issuer string
		want                   bool
	}{
		{"alice@example.com", "alice@example.com", google, true},
		{"alice@example.com", "alice@EXAMPLE.com", google, true},
		{"alice@example.com", "Alice@example.com", google, false},
		{"alice@example.com", "malice@example.com", google, false},
		{"alice@example.com", "alice@example.com.evil.org", google, false},
		{"alice@example.com " + google, "alice@example.com", google, true},
		{"alice@example.com " + google, "alice@example.com", google + "/", false},
		{"alice@example.com " + google, "alice@example.com", "", false},
		{"@example.com", "bob@example.com", google, true},
		{"@example.com", "bob@Example.COM", google, true},
		{"@example.com", "bob@sub.example.com", google, false},
		{"@example.com", "bob@evilexample.com", google, false},
		{"@example.com", "example.com", google, false},
		{"@example.com", "@example.com", google, true}, // the rule's own words; no authority issues this
		{"@example.com", "a@b@example.com", google, false},
		{"@example.com", "https://evil.org/x@example.com", google, false},
		{"@example.com", "bob@evil.org,x@example.com", google, false},
		{"openai.com", "https://openai.com", "", true},
		{"openai.com", "https://openai.com/x/y", "", true},
		{"openai.com", "http://openai.com/x", "", false},
		{"openai.com", "https://openai.com.evil.org/x", "", false},
		{"openai.com", "https://evil.org/openai.com", "", false},
		{"openai.com", "https://openai.com@evil.org/", "", false},
		{"openai.com", "https://openai.com:444/", "", false},
		{"openai.com", "bob@openai.com", "", false},
		{"huggingface.co/meta", "https://huggingface.co/meta/llama", "", true},
		{"huggingface.co/meta", "https://huggingface.co/meta", "", true},
		{"huggingface.co/meta", "https://huggingface.co/meta-evil/llama", "", false},
		{"huggingface.co/meta", "https://huggingface.co/other/meta", "", false},
		{"huggingface.co/meta", "https://huggingface.co/meta/../evil", "", false},
		{"huggingface.co/meta", "https://huggingface.co//meta/x", "", false},
		{"huggingface.co/meta", "https://huggingface.co/meta%2f..%2fevil", "", false},
		{"https://github.com/acme/m", "https://github.com/acme/m", "", true},
		{"https://github.com/acme/m", "https://github.com/acme/m/x", "", false},
		{"https://github.com/acme/m", "https://github.com/acme/m?x", "", false},
		{"https://github.com/acme/*", "https://github.com/acme/m", "", true},
		{"https://github.com/acme/*", "https://github.com/acme/m/x", "", false},
		{"https://github.com/acme/*", "https://github.com/acme", "", false},
		{"https://github.com/acme/**", "https://github.com/acme/m/x", "", true},
		{"https://github.com/acme/**", "https://github.com/acme", "", false},
		{"https://github.com/acme/**", "https://github.com/acme-evil/x", "", false},
		{"https://github.com/acme/*/.github/workflows/r.yml@refs/tags/v*", "https://github.com/acme/m/.github/workflows/r.yml@refs/tags/v1.2", "", true},
		{"https://github.com/acme/*/.github/workflows/r.yml@refs/tags/v*", "https://github.com/acme/m/.github/workflows/r.yml@refs/heads/v1", "", false},
		{"https://github.com/acme/*/.github/workflows/r.yml@refs/tags/v*", "https://github.com/evil/acme/m/.github/workflows/r.yml@refs/tags/v1", "", false},
		{"spiffe://corp/ns/*/sa/trainer", "spiffe://corp/ns/ml/sa/trainer", "", true},
		{"spiffe://corp/ns/*/sa/trainer", "https://corp/ns/ml/sa/trainer", "", false},
		{"openai.com", "", "", false},
	}
	for _, tt := range tests {
		r, err := Parse(tt.rule)
		if err != nil && tt.want {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		if got := r.Match(tt.identity, tt.issuer); got != tt.want {
			t.Errorf("rule %q, identity %q by %q: %v", tt.rule, tt.identity, tt.issuer, got)
		}
	}
	if (Rule{}).Match("", "") {
		t.Error("the zero rule matches")
	}
}

func TestBadRules(t *testing.T) {
	for _, s := range []string{
		"", " ", "@", "@exa mple.com", "@*.com", "*", "*.com", "https://*.example.com/x", "https://", "a*@example.com", "open ai com x",
		"https://u:p@example.com/", "https://example.com/%2e%2e/x", "https://example.com/a/../b", "example.com/*", "https://example.com/[a", "host/..", "word word word",
	} {
		if r, err := Parse(s); err == nil {
			t.Errorf("%q was taken as %+v", s, r)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("huggingface.co/meta", "https://huggingface.co/meta/llama")
	f.Add("@example.com", "bob@example.com")
	f.Add("https://a/*/c", "https://a/b/c")
	f.Fuzz(func(t *testing.T, rule, identity string) {
		r, err := Parse(rule)
		if err != nil {
			return
		}
		host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.Identity, "https://"), "@"), "/")
		if r.Match(identity, "") && !strings.Contains(strings.ToLower(identity), strings.ToLower(host)) && !strings.Contains(r.Identity, "://") {
			t.Errorf("%q matches %q", rule, identity)
		}
	})
}
