package remedy

import (
	"fmt"
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/gatekeeper"
)

// A Remedy is one way to have a file admitted.
type Remedy struct {
	What    string // one sentence
	Command string // to type, where there is one
}

// For lists the ways, the best first. quoted is the file's name as a shell takes it.
func For(r *gatekeeper.Report, quoted string, terms Terms) []Remedy {
	if r.Verdict == gatekeeper.Allow {
		return nil
	}
	left := AfterPin(r, nil, terms)
	var out []Remedy
	for _, fault := range left.Faults {
		out = append(out, Remedy{What: faultText(fault)})
	}
	out = append(out, origin(r)...)
	if presets := presetsFor(r); len(presets) > 0 {
		out = append(out, Remedy{
			What:    "allow the classes it uses, if your readers have those libraries and you trust them: preset " + strings.Join(presets, ", "),
			Command: "--allow-preset " + strings.Join(presets, " --allow-preset "),
		})
	}
	if r.SHA256 == "" || len(left.Faults) > 0 {
		return out
	}
	if left.None() {
		return append(out, vouch(r, quoted, terms)...)
	}
	if convicted(left.Rules) {
		out = append(out, Remedy{What: "best: remove it, and ask its publisher for safetensors; its content convicts it, so no signature helps"})
	}
	return append(out, Remedy{
		What:    "only if you know every byte of it: pin this digest and accept what was found",
		Command: "trustfs pin --accept " + strings.Join(left.Rules, " --accept ") + " " + quoted,
	})
}

// vouch is for files that only lack somebody who vouches for them.
func vouch(r *gatekeeper.Report, quoted string, terms Terms) []Remedy {
	out := []Remedy{{What: "pin it: your own approval of exactly these bytes", Command: "trustfs pin " + quoted}}
	if r.Provenance.Signature.Status == "untrusted" {
		who := r.Provenance.Signature.Identity
		out = append(out, Remedy{What: "trust its signer, " + who, Command: "--trusted-publisher " + Quote(who)})
	}
	out = append(out, Remedy{What: "sign it, with a key that --trust-key names", Command: "trustfs sign --key FILE " + quoted})
	if !terms.RequireSignature {
		out = append(out, Remedy{What: "list its digest in a file that --checksums names", Command: "sha256sum " + quoted})
	}
	return out
}

// origin is for evidence that speaks against the file.
func origin(r *gatekeeper.Report) []Remedy {
	var out []Remedy
	if f, ok := first(r, formats.RuleChecksumMismatch); ok {
		out = append(out, Remedy{What: fmt.Sprintf("these are not the bytes that %s names (%s): fetch the file again, or correct the list", f.Where, f.Detail)})
	}
	if f, ok := first(r, formats.RuleSignatureInvalid); ok {
		out = append(out, Remedy{What: "its signature does not hold (" + f.Detail + "): fetch file and signature again, or have it signed anew"})
	}
	return out
}

func first(r *gatekeeper.Report, rule string) (gatekeeper.Finding, bool) {
	i := slices.IndexFunc(r.Findings, func(f gatekeeper.Finding) bool { return f.Rule == rule })
	if i < 0 {
		return gatekeeper.Finding{}, false
	}
	return r.Findings[i], true
}

// presetsFor names the presets that would admit some of what was found, sorted.
func presetsFor(r *gatekeeper.Report) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Preset != "" {
			out = append(out, f.Preset)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// convicted says whether what is left is about content rather than origin.
func convicted(rules []string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		return !slices.Contains(vouched, rule) && rule != formats.RuleChecksumMismatch && rule != formats.RuleSignatureInvalid
	})
}

func faultText(reason string) string {
	if objection, ok := strings.CutPrefix(reason, "policy: "); ok {
		return "the policy objects, and no approval of the file changes that: " + objection
	}
	return "it could not be judged, so nothing admits it: " + reason
}

// Quote makes one word for a POSIX shell of a name of any bytes.
func Quote(s string) string {
	plain := s != "" && s[0] != '-' && s[0] != '~'
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		plain = plain && (letter || strings.IndexByte("._-/+=:@,~", c) >= 0)
	}
	if plain {
		return s
	}
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
