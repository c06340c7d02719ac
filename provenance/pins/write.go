package pins

import (
	"errors"
	"fmt"
	"os"

	"trustfs/integrity"
)

// Pin writes a pin, instead of an older one of the same digest. It is on disk when Pin returns. The directory is made if
// it is missing, for its owner only.
func (s *Store) Pin(p Pin) error {
	b, err := p.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	if err := s.Check(); err != nil {
		return err
	}
	tmp, err := s.writeTemp(b)
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	if err := os.Rename(tmp, s.Path(p.Digest)); err != nil {
		return fmt.Errorf("pins: %w", errors.Join(err, os.Remove(tmp)))
	}
	if err := syncDir(s.dir); err != nil { // the pin is there; only its survival of a power cut is in doubt
		return fmt.Errorf("pins: %w", err)
	}
	return nil
}

// writeTemp leaves b, synced, in a file whose name is no digest, so that no reader takes it for a pin. Mode 0600.
func (s *Store) writeTemp(b []byte) (name string, err error) {
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Unpin removes a pin; fs.ErrNotExist when there is none.
func (s *Store) Unpin(d integrity.Digest) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := os.Remove(s.Path(d)); err != nil {
		return fmt.Errorf("unpin %s: %w", d.Short(), err)
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
