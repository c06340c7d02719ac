package beneath

import (
	"sync"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// stamps remembers the identity that each name had when it was last opened beneath the root.
type stamps struct {
	mu   sync.RWMutex
	last map[string]integrity.Identity // guarded by mu; by path
}

// maxStamps bounds the names in memory; a busy tree has a few folders for each thousand files.
const maxStamps = 1 << 12

// Stat gives the identity of what path names at this moment. No link is followed, a last one neither, and no mount is
// crossed: that is an error.
//
// It is asked for the folders of every file that is opened, and an open beneath the root costs four times a plain statx. So
// that is asked first, though it would follow links in the middle of the path: its answer counts only where it is the
// identity that the very same path had when it was last opened beneath the root. Then that object is there still, in that
// version. Any other answer is thrown away, and the path is opened.
func (r *Root) Stat(path string) (integrity.Identity, error) {
	if path == "" {
		path = "."
	}
	if last, known := r.seen.of(path); known {
		if now, err := r.glance(path); err == nil && now == last {
			return now, nil
		}
	}
	p, err := r.Path(path)
	if err != nil {
		return integrity.Identity{}, err
	}
	defer p.Close()
	id, err := integrity.IdentityOf(int(p.Fd()))
	if err != nil {
		return id, pathError("statx", path, err)
	}
	r.seen.keep(path, id)
	return id, nil
}

// glance is a plain statx, whose answer may be about anything that links on the way lead to.
func (r *Root) glance(path string) (integrity.Identity, error) {
	var st unix.Statx_t
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_SYNC_AS_STAT
	if err := unix.Statx(int(r.dir.Fd()), path, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		return integrity.Identity{}, pathError("statx", path, err)
	}
	return integrity.IdentityFromStatx(&st), nil
}

func (s *stamps) of(path string) (id integrity.Identity, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, known = s.last[path]
	return id, known
}

func (s *stamps) keep(path string, id integrity.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || len(s.last) >= maxStamps {
		s.last = map[string]integrity.Identity{}
	}
	s.last[path] = id
}
