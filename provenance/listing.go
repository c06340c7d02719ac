package provenance

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"trustfs/integrity"
)

// A listing is what a folder held in one version of it. It answers for the absence of names, which is nearly all that
// evidence meets: fifteen names and more are looked for beside each file, and in each folder above it.
type listing struct {
	names map[string]bool // in lower case
	odd   bool            // some name is not plain ASCII: how a filesystem that ignores case compares it is its own affair
}

// lacks says that the folder surely has nothing by this name; false says nothing. Names are compared without regard to case,
// since some filesystems do, and "~" may be in a second, short name that is not listed.
func (l *listing) lacks(name string) bool {
	return l != nil && !l.odd && plainASCII(name) && !strings.Contains(name, "~") && !l.names[strings.ToLower(name)]
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

const (
	askedOften  = 4       // files whose evidence was looked for in one version of a folder before it is worth a listing
	maxListed   = 1 << 16 // names in one folder; a larger one is asked name by name
	maxListings = 1 << 18 // names in all listings together
	maxFolders  = 1 << 12 // folders that are counted
)

// listings remembers what folders held, by their identity: any change of a folder's names changes it, except within the
// racy window, in which no listing is made or used, and on filesystems whose stamps prove nothing, where none is made.
type listings struct {
	mu    sync.Mutex
	asked map[integrity.Identity]int      // guarded by mu
	known map[integrity.Identity]*listing // guarded by mu; nil for a folder that is asked name by name
	names int                             // in known; guarded by mu
}

// of gives the listing of a folder whose identity has just been taken; nil where none is worth its cost, or can be trusted.
// open gives what its name leads to now, which is listed if it is that very version of that folder.
func (l *listings) of(id integrity.Identity, open func() (*os.File, error)) *listing {
	if racy(id, time.Now()) || !l.worth(id) {
		return nil
	}
	l.mu.Lock()
	found, known := l.known[id]
	l.mu.Unlock()
	if known {
		return found
	}
	dir, err := open()
	if err != nil {
		return nil
	}
	defer dir.Close()
	if !soundlyStamped(dir) {
		return l.keep(id, nil)
	}
	entries, err := listVersion(dir, id)
	if err != nil {
		return nil
	}
	return l.keep(id, newListing(entries))
}

// errAnotherVersion says that a folder is not, or not any more, what it was taken for.
var errAnotherVersion = errors.New("another folder, or another version of it")

// listVersion lists an open folder that has the given identity before and after: through the descriptor, so that it cannot
// be another folder that a name led to for a moment.
func listVersion(dir *os.File, id integrity.Identity) ([]os.DirEntry, error) {
	if err := isVersion(dir, id); err != nil {
		return nil, err
	}
	entries, err := atMost(dir, maxListed+1)
	if err != nil {
		return nil, err
	}
	return entries, isVersion(dir, id)
}

func isVersion(dir *os.File, id integrity.Identity) error {
	now, err := integrity.IdentityOf(int(dir.Fd()))
	if err == nil && now != id {
		err = errAnotherVersion
	}
	return err
}

// atMost lists n entries of an open folder, or all.
func atMost(dir *os.File, n int) ([]os.DirEntry, error) {
	entries, err := dir.ReadDir(n)
	if err == io.EOF {
		err = nil
	}
	return entries, err
}

// worth counts the askers of a folder, and says whether they are many.
func (l *listings) worth(id integrity.Identity) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil || len(l.asked) >= maxFolders && l.asked[id] == 0 {
		l.asked = map[integrity.Identity]int{}
	}
	l.asked[id]++
	return l.asked[id] > askedOften
}

func newListing(entries []os.DirEntry) *listing {
	if len(entries) > maxListed {
		return nil
	}
	l := &listing{names: make(map[string]bool, len(entries))}
	for _, e := range entries {
		if l.odd = l.odd || !plainASCII(e.Name()); l.odd {
			l.names = nil
			break
		}
		l.names[strings.ToLower(e.Name())] = true
	}
	return l
}

func (l *listings) keep(id integrity.Identity, found *listing) *listing {
	n := 1
	if found != nil {
		n += len(found.names)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || l.names+n > maxListings {
		l.known, l.names = map[integrity.Identity]*listing{}, 0
	}
	l.known[id] = found
	l.names += n
	return found
}
