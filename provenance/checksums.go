package provenance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/provenance/checksum"
)

// listNames are the checksum lists looked for in the file's folder and each one above it.
var listNames = []string{
	"checksums.txt", "CHECKSUMS.txt", "checksums.sha256", "SHA256SUMS", "SHA256SUMS.txt", "sha256sums.txt", "sha256sum.txt",
}

// selfNamed is what Evidence.ChecksumList says when the file's own name is its checksum.
const selfNamed = "the file's own name"

// A listRef is one list to ask about one name.
type listRef struct {
	path    string
	outside bool
	trusted bool
	name    string // of the file, as the list would have it
	self    string // the file that a bare digest in the list is of
}

func (v *Verifier) checksums(ctx context.Context, g *gatherer, s Subject, e *Evidence) error {
	for _, ref := range v.listRefs(g.tree != nil, s) {
		if err := v.askList(g, ref, s, e); err != nil {
			return err
		}
	}
	return v.ownName(ctx, s, e)
}

// listRefs names every list that may speak of the file, the trusted ones first.
func (v *Verifier) listRefs(tree bool, s Subject) []listRef {
	var refs []listRef
	for _, host := range v.opts.Checksums {
		refs = append(refs, v.trustedRefs(tree, host, s)...)
	}
	if !tree {
		return refs
	}
	for _, name := range s.names() {
		name = clean(name)
		dir, base := path.Split(name)
		refs = append(refs, listRef{path: name + ".sha256", name: base, self: base})
		for dir = path.Clean(dir); ; dir = path.Dir(dir) {
			for _, l := range listNames {
				refs = append(refs, listRef{path: path.Join(dir, l), name: relative(dir, name)})
			}
			if dir == "." {
				break
			}
		}
	}
	return unique(refs)
}

// trustedRefs asks a list of the configuration for each of the file's names: relative to its folder when it lies in the
// tree, relative to the root and in full when it lies outside.
func (v *Verifier) trustedRefs(tree bool, host string, s Subject) []listRef {
	rel, inside := v.opts.below(host)
	var refs []listRef
	for _, name := range s.names() {
		name = clean(name)
		switch {
		case !inside:
			refs = append(refs, listRef{path: host, outside: true, trusted: true, name: name})
			if v.opts.Root != "" {
				refs = append(refs, listRef{path: host, outside: true, trusted: true, name: path.Join(v.opts.Root, name)})
			}
		case tree && within(path.Dir(rel), name):
			ref := listRef{path: rel, trusted: true, name: relative(path.Dir(rel), name)}
			if rel == name+".sha256" {
				ref.self = ref.name
			}
			refs = append(refs, ref)
		}
	}
	return refs
}

// unique drops a list that is asked twice for the same name; the first, trusted one stays.
func unique(refs []listRef) []listRef {
	seen := map[listRef]bool{}
	return slices.DeleteFunc(refs, func(r listRef) bool {
		key := listRef{path: r.path, outside: r.outside, name: r.name}
		if seen[key] {
			return true
		}
		seen[key] = true
		return false
	})
}

func within(dir, name string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

func relative(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

// askList adds what one list says of the file.
func (v *Verifier) askList(g *gatherer, ref listRef, s Subject, e *Evidence) error {
	l, err := v.list(g, ref)
	if tooLarge := (*TooLargeError)(nil); errors.As(err, &tooLarge) && !ref.trusted {
		e.unverifiable(ref.path, "a list of %d bytes, at most %d are read", tooLarge.Size, tooLarge.Max)
		return nil
	}
	if err != nil || l == nil {
		return err
	}
	e.badLines(ref.path, l)
	result, expected := l.Lookup(ref.name, s.SHA256)
	switch {
	case result == checksum.Mismatch:
		e.mismatch(ref.path, expected, s.SHA256.String())
	case result == checksum.OtherAlgorithm:
		e.unverifiable(ref.path, "lists the file by %s only; SHA-256 is needed", expected)
		e.listed(ChecksumUnlisted, ref)
	case result == checksum.Match:
		e.listed(ChecksumMatch, ref)
	default:
		e.listed(ChecksumUnlisted, ref)
	}
	return nil
}

// list reads a list, or takes it from the cache; nil when there is none. A trusted one must be there and be its owner's
// alone: a list that is named to acquit and cannot be relied on refuses everything, so that somebody notices.
func (v *Verifier) list(g *gatherer, ref listRef) (*checksum.List, error) {
	open := g.open
	if ref.trusted {
		open = g.openTrusted
	}
	in, err := open(ref.path, ref.outside)
	if err != nil && ref.trusted {
		err = fmt.Errorf("trusted list: %w", err)
	}
	if err != nil || in.file == nil {
		return nil, err
	}
	defer in.close()
	key := listKey{in.id.ID, ref.self}
	if l := v.cached(key); l != nil && !in.id.Racy {
		return l, nil
	}
	b, err := g.read(ref.path, ref.outside, checksum.MaxBytes)
	if err != nil || b == nil {
		return nil, err
	}
	l := checksum.Parse(b, ref.self)
	if last := g.seen[len(g.seen)-1]; !last.Racy && last.ID == in.id.ID {
		v.keep(key, l)
	}
	return l, nil
}

// ownersAlone says why a file that is to acquit could be written by others than root and the effective user.
func ownersAlone(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	switch uid := uint32(os.Geteuid()); {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("%s: not a regular file", f.Name())
	case st.Uid != 0 && st.Uid != uid:
		return fmt.Errorf("%s: owned by user %d; what may acquit must belong to root or user %d", f.Name(), st.Uid, uid)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("%s: mode %04o lets others write; chmod go-w it", f.Name(), st.Mode&0o7777)
	}
	return nil
}

// ownName checks a file that a content-addressed store has named by its digest. A match cannot acquit.
func (v *Verifier) ownName(ctx context.Context, s Subject, e *Evidence) error {
	for _, name := range s.names() {
		named, ok := checksum.NamedBy(clean(name))
		if !ok {
			continue
		}
		match, actual, err := named.Check(ctx, s.SHA256, s.File, s.Size)
		switch {
		case errors.Is(err, checksum.ErrNoBytes):
			e.unverifiable(name, "named by its %s, which was not computed", named.Algorithm)
		case err != nil:
			return err
		case !match:
			e.mismatch(selfNamed, named.Digest, actual)
		default:
			e.listed(ChecksumMatch, listRef{path: selfNamed})
		}
	}
	return nil
}

// mismatch convicts; the first one is kept.
func (e *Evidence) mismatch(list, expected, actual string) {
	if e.Checksum != ChecksumMismatch {
		e.Checksum, e.ChecksumTrusted, e.ChecksumList, e.Expected, e.Actual = ChecksumMismatch, false, list, expected, actual
	}
}

// listed records a match or an unlisted file, unless something stronger is known: a mismatch beats a match by a trusted
// list, that one any match, and a match an unlisted file.
func (e *Evidence) listed(state string, ref listRef) {
	better := e.Checksum == ChecksumNone || e.Checksum == ChecksumUnlisted && state == ChecksumMatch ||
		e.Checksum == ChecksumMatch && state == ChecksumMatch && ref.trusted && !e.ChecksumTrusted
	if better {
		e.Checksum, e.ChecksumList, e.ChecksumTrusted = state, ref.path, state == ChecksumMatch && ref.trusted
	}
}

// badLines reports lines that are no checksums: the first few one by one.
func (e *Evidence) badLines(list string, l *checksum.List) {
	const shown = 3
	for i, b := range l.Bad {
		if i == shown {
			e.unverifiable(list, "and %d more lines that are no checksums", len(l.Bad)-shown+l.BadMore)
			return
		}
		e.unverifiable(fmt.Sprintf("%s:%d", list, b.Line), "%s", b.Why)
	}
}

// unverifiable records evidence that cannot be read or checked, once.
func (e *Evidence) unverifiable(where, format string, args ...any) {
	f := formats.Finding{Rule: formats.RuleProvenanceUnverifiable, Where: where, Detail: fmt.Sprintf(format, args...)}
	if !slices.Contains(e.Findings, f) {
		e.Findings = append(e.Findings, f)
	}
}
