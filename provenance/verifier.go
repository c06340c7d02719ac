package provenance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
	"trustfs/provenance/checksum"
	"trustfs/provenance/pins"
)

// A Verifier gathers evidence. It is made anew when the configuration changes, and is safe for parallel use.
type Verifier struct {
	opts  Options
	trust *trust
	pins  *pins.Store // nil for none

	mu         sync.Mutex                    // guards what follows; held only to look up and store
	lists      map[listKey]*checksum.List    // parsed lists by the version they were read from
	names      int                           // in all lists
	statements map[[32]byte]*signedStatement // checked statements by the SHA-256 of their bundle
	bills      bills                         // parsed SBOMs

	folders listings // what lies beside files, and the pins; used under Options.ListFolders alone

	parsing chan struct{} // held while an SBOM is parsed
}

// New checks the options and loads what is trusted.
func New(o Options) (*Verifier, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.settle()
	t, err := load(&o)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		opts: o, trust: t, lists: map[listKey]*checksum.List{}, statements: map[[32]byte]*signedStatement{},
		parsing: make(chan struct{}, 1),
	}
	if o.Pins != "" {
		v.pins = pins.At(o.Pins)
	}
	return v, nil
}

// Evidence gathers what vouches for s, or convicts it. tree may be nil: then only what needs no sidecars is looked at. An
// error means that the evidence could not be gathered, and must refuse.
func (v *Verifier) Evidence(ctx context.Context, tree Tree, s Subject) (*Evidence, error) {
	e := &Evidence{Checksum: ChecksumNone, Signature: Signature{Status: SignatureNone}, SBOM: SBOMNone}
	g := &gatherer{tree: tree}
	if v.opts.ListFolders {
		g.lists = &v.folders
	}
	steps := []struct {
		name string
		run  func(context.Context, *gatherer, Subject, *Evidence) error
	}{
		{"pins", v.pinned},
		{"checksums", v.checksums},
		{"signatures", v.signatures},
		{"SBOM", v.sboms},
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step.run(ctx, g, s, e); err != nil {
			return nil, fmt.Errorf("provenance: %s: %w", step.name, err)
		}
	}
	e.Inputs = g.inputs()
	return e, nil
}

// pinned looks the digest up among the operator's pins.
func (v *Verifier) pinned(_ context.Context, g *gatherer, s Subject, e *Evidence) error {
	if v.pins == nil {
		return nil
	}
	if none, err := v.surelyUnpinned(s.SHA256); none || err != nil {
		g.seen = append(g.seen, InputID{Path: v.pins.Path(s.SHA256), Outside: true, Absent: true})
		return err
	}
	// The identity is taken before the pin is read: a pin that comes between the two makes the evidence outdated at once.
	in, err := g.open(v.pins.Path(s.SHA256), true)
	if err != nil {
		return err
	}
	in.close()
	p, err := v.pins.Get(s.SHA256)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	e.Pinned, e.Accepts = true, p.Accept
	return nil
}

// surelyUnpinned says that the operator's pins, as they are now, have none for a digest. Without listings it is never sure.
func (v *Verifier) surelyUnpinned(d integrity.Digest) (bool, error) {
	if !v.opts.ListFolders {
		return false, nil
	}
	if err := v.pins.Check(); err != nil {
		return false, err
	}
	id, err := identityAt(v.opts.Pins)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist), nil // any other error is said when the pin is opened
	}
	l := v.folders.of(id, func() (*os.File, error) {
		return os.OpenFile(v.opts.Pins, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	return l.lacks(d.String()), nil
}

// identityAt takes the identity of what a host path names, of a link itself: the pins' folder is none, see pins.Store.Check.
func identityAt(path string) (integrity.Identity, error) {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return integrity.Identity{}, err
	}
	defer f.Close()
	return integrity.IdentityOf(int(f.Fd()))
}

// listKey names one version of a list, read for one file where the list may hold a bare digest.
type listKey struct {
	id   integrity.Identity
	self string
}

// maxCachedNames bounds the names in all parsed lists together; about 200 bytes each.
const maxCachedNames = 1 << 20

func (v *Verifier) cached(k listKey) *checksum.List {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lists[k]
}

func (v *Verifier) keep(k listKey, l *checksum.List) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.names+l.Len()+1 > maxCachedNames {
		clear(v.lists)
		v.names = 0
	}
	v.lists[k] = l
	v.names += l.Len() + 1
}
