package pins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
)

// A Store is a directory of pins. It holds no state: every call looks at the directory, so that a pin counts at once.
type Store struct{ dir string }

// At is the store in dir, an absolute path. The directory need not be there: then nothing is pinned.
func At(dir string) *Store { return &Store{dir: dir} }

// Path is the file in which a digest's pin is, if it is pinned.
func (s *Store) Path(d integrity.Digest) string { return filepath.Join(s.dir, d.String()) }

// Check says why the directory's pins must not be trusted: nil when it belongs to the effective user or root and only the
// owner may write to it, or when there is none.
func (s *Store) Check() error {
	var st unix.Stat_t
	if err := unix.Lstat(s.dir, &st); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return &fs.PathError{Op: "lstat", Path: s.dir, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("pins %s: not a directory", s.dir)
	}
	return trusted(s.dir, &st)
}

func trusted(path string, st *unix.Stat_t) error {
	if uid := uint32(os.Geteuid()); st.Uid != uid && st.Uid != 0 {
		return fmt.Errorf("pins %s: owned by user %d; expected user %d, or root", path, st.Uid, uid)
	}
	if st.Mode&0o022 != 0 {
		return fmt.Errorf("pins %s: mode %04o lets others write; chmod go-w it", path, st.Mode&0o7777)
	}
	return nil
}

// Get reads the pin of a digest; fs.ErrNotExist when it is not pinned.
func (s *Store) Get(d integrity.Digest) (Pin, error) {
	if err := s.Check(); err != nil {
		return Pin{}, err
	}
	path := s.Path(d)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return Pin{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Pin{}, &fs.PathError{Op: "fstat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Pin{}, fmt.Errorf("pins %s: not a regular file", path)
	}
	if err := trusted(path, &st); err != nil {
		return Pin{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(b) > MaxBytes {
		err = fmt.Errorf("larger than %d bytes", MaxBytes)
	}
	if err != nil {
		return Pin{}, fmt.Errorf("pins %s: %w", path, err)
	}
	p, err := Decode(b, d)
	if err != nil {
		return Pin{}, fmt.Errorf("pins %s: %w; unpin and pin it again", path, err)
	}
	return p, nil
}

// List reads every pin, sorted by digest. Files that are no pins by their name are passed over; a pin that cannot be read
// is an error beside the others.
func (s *Store) List() ([]Pin, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Pin
	var errs []error
	for _, e := range entries { // os.ReadDir sorts by name, which is the digest
		d, err := integrity.ParseDigest(e.Name())
		if err != nil || d.String() != e.Name() {
			continue
		}
		p, err := s.Get(d)
		if errors.Is(err, fs.ErrNotExist) { // unpinned meanwhile
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(errs...)
}
