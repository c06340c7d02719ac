package globals

import (
	"fmt"
	"strings"
)

type key struct{ module, name string }

// parsePreset reads one preset file: "module name use reason", separated by spaces; '#' begins a comment line. Every
// deviation is an error with its line, since a line that is silently skipped is a name silently refused or, worse, a
// reason silently lost.
func parsePreset(preset, text string) ([]Entry, error) {
	return parseLines(preset+".txt", text, func(f []string) (Entry, error) {
		if len(f) < 4 {
			return Entry{}, fmt.Errorf("want: module name use reason")
		}
		e := Entry{Module: f[0], Name: f[1], Preset: preset, Reason: strings.Join(f[3:], " ")}
		if strings.ContainsAny(f[0]+f[1], "*?[]") {
			return e, fmt.Errorf("%s %s: an allowlist has no wildcards; name each pair", f[0], f[1])
		}
		rule, args := strings.CutPrefix(f[2], "args:")
		switch {
		case args && knownRules[Rule(rule)]:
			e.Use, e.Rule = UseArgs, Rule(rule)
		case args:
			return e, fmt.Errorf("unknown argument rule %q", rule)
		case f[2] == "call":
			e.Use = UseCall
		case f[2] == "value":
			e.Use = UseValue
		default:
			return e, fmt.Errorf("use is %q, want call, value or args:RULE", f[2])
		}
		return e, nil
	})
}

// parseDangerous reads "module name reason"; name "*" stands for the module and everything below it, module "*" for a
// name that convicts wherever it is.
func parseDangerous(text string) ([]Entry, error) {
	return parseLines("dangerous.txt", text, func(f []string) (Entry, error) {
		if len(f) < 3 {
			return Entry{}, fmt.Errorf("want: module name reason")
		}
		if f[0] == "*" && f[1] == "*" {
			return Entry{}, fmt.Errorf("this would convict every name")
		}
		return Entry{Module: f[0], Name: f[1], Reason: strings.Join(f[2:], " ")}, nil
	})
}

func parseLines(file, text string, one func(fields []string) (Entry, error)) ([]Entry, error) {
	var entries []Entry
	seen := map[key]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		e, err := one(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		e.Line = i + 1
		k := key{e.Module, e.Name}
		if first, dup := seen[k]; dup {
			return nil, fmt.Errorf("%s:%d: %s %s stands already in line %d", file, i+1, e.Module, e.Name, first)
		}
		seen[k] = e.Line
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: no entries", file)
	}
	return entries, nil
}
