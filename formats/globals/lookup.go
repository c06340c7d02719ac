package globals

import (
	"slices"
	"strings"
)

// A Status says what a name is. The zero value is Unknown, which is not harmless.
type Status int

// The statuses.
const (
	Unknown   Status = iota // on no list, or only in a preset that is off
	Dangerous               // convicts by being resolved
	Allowed                 // by an enabled preset, for the uses that the Verdict names
)

// A Verdict is what the lists say about one name.
type Verdict struct {
	Status Status
	Use    Use    // with Allowed
	Rule   Rule   // with Allowed and UseArgs
	Preset string // with Allowed the preset that admits it; with Unknown the preset that would, or ""
	Reason string // of the entry that decided, for people
}

// Callable says that some call of the name is allowed, though perhaps not with every argument.
func (v Verdict) Callable() bool {
	return v.Status == Allowed && (v.Use == UseCall || v.Use == UseArgs)
}

// maxName is far beyond any name that a pickler writes; the work on a name grows with its length.
const maxName = 4096

// Lookup judges one name. module and name are as a loader resolves them: name may be dotted, for loaders that walk
// attributes. Spellings of Python 2 count as those of Python 3. presets are the names of the presets that are on; an
// exact entry of one of them wins over a dangerous module, never over a dangerous name.
func Lookup(module, name string, presets []string) Verdict {
	t := loaded()
	if t.err != nil {
		return Verdict{Status: Dangerous, Reason: "the lists do not load: " + t.err.Error()}
	}
	if len(module)+len(name) > maxName {
		return Verdict{Status: Dangerous, Reason: "a name of absurd length"}
	}
	module = canonical(module)
	entry := t.allowed[key{module, name}]
	if entry != nil && slices.Contains(presets, entry.Preset) {
		return Verdict{Allowed, entry.Use, entry.Rule, entry.Preset, entry.Reason}
	}
	if reason := t.convicts(module, name); reason != "" && !(entry != nil && t.exact[key{module, name}] == nil) {
		return Verdict{Status: Dangerous, Reason: reason}
	}
	if entry != nil {
		return Verdict{Status: Unknown, Preset: entry.Preset, Reason: "in the allowlist preset " + entry.Preset + ", which is off"}
	}
	return Verdict{Status: Unknown, Reason: "on no list"}
}

// convicts says why (module, name) is dangerous, or "". A dotted name is an attribute walk, so that every module it may
// pass through counts: torch "os.system" is os "system", and torch "hub.load" is torch.hub "load".
func (t *tables) convicts(module, name string) string {
	if reason := t.convictsPlain(module, name); reason != "" {
		return reason
	}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if isDunder(part) {
			return "a special attribute, which leads from any object to the interpreter"
		}
		if e := t.anywhere[part]; e != nil {
			return e.Reason
		}
		if i > 64 {
			return "a name of absurd depth"
		}
		if e := t.exact[key{module, strings.Join(parts[:i+1], ".")}]; e != nil {
			return e.Reason // an attribute of what convicts
		}
		rest := strings.Join(parts[i+1:], ".")
		if reason := t.convictsPlain(module+"."+strings.Join(parts[:i+1], "."), rest); reason != "" {
			return reason
		}
		for _, m := range []string{canonical(part), canonical(strings.TrimLeft(part, "_"))} {
			if rest == "" && !gateways[m] {
				continue // the last part is the object asked for; a class may well be called like a module
			}
			if reason := t.convictsPlain(m, rest); m != "" && reason != "" {
				return reason
			}
		}
	}
	return ""
}

func (t *tables) convictsPlain(module, name string) string {
	if e := t.exact[key{module, name}]; e != nil {
		return e.Reason
	}
	for m := module; m != ""; {
		if e := t.whole[m]; e != nil {
			return e.Reason
		}
		i := strings.LastIndexByte(m, '.')
		m = m[:max(i, 0)]
	}
	// Two readers disagree about a module path with empty parts or a relative one; nobody writes such a pickle.
	if module == "" || strings.HasPrefix(module, ".") || strings.Contains(module, "..") {
		return "a module path that is empty or relative"
	}
	return ""
}

// gateways are the modules that convict as a plain value of another module (numpy "os"): who holds one holds all of it.
var gateways = map[string]bool{
	"os": true, "posix": true, "nt": true, "sys": true, "subprocess": true, "builtins": true, "importlib": true,
	"ctypes": true, "pickle": true, "shutil": true, "socket": true, "marshal": true, "runpy": true, "pty": true,
	"multiprocessing": true, "pkgutil": true, "operator": true,
}

func isDunder(s string) bool {
	return len(s) > 4 && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__")
}
