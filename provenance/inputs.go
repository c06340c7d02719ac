package provenance

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"trustfs/integrity"
	"trustfs/internal/beneath"
)

// An InputID names one version of one file that evidence was read from, or its absence. Evidence is current as long as
// every input still has its identity.
type InputID struct {
	Path    string // below the tree's root; a host path when Outside
	Outside bool   // a list, key or SBOM that the configuration names, or a pin
	Absent  bool
	// Folder marks the identity of a folder, taken before absent names were looked for in it: while it stays, so do they
	// (a new name changes a folder's timestamps), and one look at it stands for all of them.
	Folder bool
	// Plain marks an absent name that is nothing at all, rather than, say, a link that leads nowhere.
	Plain bool
	// Racy says that the file changed so shortly before it was read that a second change might leave its timestamps as they
	// are: kernels before 6.13 stamp files once a tick (4 ms, 10 ms). Such an input is never current.
	Racy bool
	ID   integrity.Identity
}

// racyWindow is how long after its last change a file's timestamps may hide another one. It covers the slowest tick and
// FAT's two seconds of mtime alike.
const racyWindow = 2 * time.Second

// ErrBusy says that a sidecar was written to each time it was read.
var ErrBusy = errors.New("changes while it is read; let its writer replace it by rename")

// A TooLargeError is a sidecar above its cap. Nothing of it was read.
type TooLargeError struct {
	Path      string
	Size, Max int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: %d bytes, at most %d are read", e.Path, e.Size, e.Max)
}

// opener opens one name: in the tree, or on the host.
type opener func(path string) (*os.File, error)

// inTree opens names below the root, through links that stay in it where the tree knows how.
func inTree(t Tree) opener {
	if f, ok := t.(interface {
		Follow(path string) (*os.File, error)
	}); ok {
		return f.Follow
	}
	return t.Open
}

// onHost opens a name that the configuration gave. O_NONBLOCK: a FIFO must not hold the daemon.
func onHost(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
}

// absent says that a name leads to nothing that could be a sidecar: not there, below something that is no directory, too
// long, a link that leads nowhere inside the tree, or a folder or device.
func absent(err error) bool {
	for _, is := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EXDEV, beneath.ErrNotRegular} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// gatherer reads sidecars and keeps the list of inputs for one file's evidence.
type gatherer struct {
	tree    Tree
	seen    []InputID
	folders map[string]*listing // those whose identity has been taken; nil where nothing is known of the names
	lists   *listings           // nil: none
}

// A sidecar is one input, open for reading.
type sidecar struct {
	id   InputID
	file *os.File // nil when absent; the caller closes the sidecar
}

func (s *sidecar) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// open finds an input and records its identity. An absent one has no file and is no error.
func (g *gatherer) open(path string, outside bool) (*sidecar, error) {
	id := InputID{Path: path, Outside: outside}
	open := onHost
	if !outside {
		open = inTree(g.tree)
		if g.plainlyAbsent(path) {
			id.Absent, id.Plain = true, true
			g.seen = append(g.seen, id)
			return &sidecar{id: id}, nil
		}
	}
	f, err := open(path)
	if err != nil {
		if !absent(err) {
			return nil, err
		}
		id.Absent = true
		g.seen = append(g.seen, id)
		return &sidecar{id: id}, nil
	}
	if id.ID, err = integrity.IdentityOf(int(f.Fd())); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	id.Racy = racy(id.ID, time.Now())
	g.seen = append(g.seen, id)
	return &sidecar{id: id, file: f}, nil
}

// racy says that a change is so young, or so far in a skewed clock's future, that its timestamps prove nothing.
func racy(id integrity.Identity, now time.Time) bool {
	return max(id.Mtime, id.Ctime) > now.Add(-racyWindow).UnixNano()
}

// readWhole reads a sidecar that is at most max bytes long. A file that changes during the read is ErrBusy.
func readWhole(s *sidecar, max int64) ([]byte, error) {
	if s.id.ID.Size > max {
		return nil, &TooLargeError{Path: s.id.Path, Size: s.id.ID.Size, Max: max}
	}
	b := make([]byte, s.id.ID.Size)
	if _, err := io.ReadFull(io.NewSectionReader(s.file, 0, int64(len(b))), b); err != nil {
		return nil, fmt.Errorf("%s: %w", s.id.Path, ErrBusy)
	}
	after, err := integrity.IdentityOf(int(s.file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.id.Path, err)
	}
	if after != s.id.ID {
		return nil, fmt.Errorf("%s: %w", s.id.Path, ErrBusy)
	}
	return b, nil
}

// read is open and readWhole: nil bytes and no error for an absent sidecar.
func (g *gatherer) read(path string, outside bool, max int64) ([]byte, error) {
	const attempts = 3
	for i := 1; ; i++ {
		n := len(g.seen)
		s, err := g.open(path, outside)
		if err != nil || s.file == nil {
			return nil, err
		}
		b, err := readWhole(s, max)
		s.close()
		if !errors.Is(err, ErrBusy) || i == attempts {
			return b, err
		}
		g.seen = g.seen[:n]
	}
}

// inputs gives each input once. One that changed between two looks stays twice, and so is never current.
func (g *gatherer) inputs() []InputID {
	once := make(map[InputID]bool, len(g.seen))
	return slices.DeleteFunc(g.seen, func(in InputID) bool {
		again := once[in]
		once[in] = true
		return again
	})
}

// clean is a tree path as evidence uses it: no leading "./" or "/".
func clean(path string) string { return strings.TrimLeft(strings.TrimPrefix(path, "./"), "/") }
