package spool

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// nobody holds what is held for all users who have it open. It is the uid that means no user, see chown(2).
const nobody = ^uint32(0)

// A FullError says that the Spool has no room for what inflates to Size bytes: Held of Max are held by what is open. It is
// ENOSPC, and passes as soon as somebody closes something.
type FullError struct {
	Size, Held, Max int64
	// Share says that Held and Max are those of User alone.
	Share bool
	User  uint32
}

func (e *FullError) Error() string {
	const remedy = "close some of them, or raise views-spool"
	switch {
	case e.Share && e.Size > e.Max:
		return fmt.Sprintf("no room to inflate %d bytes for user %d: one user may have half of views-spool open, which is %d bytes; raise views-spool",
			e.Size, e.User, e.Max)
	case e.Share:
		return fmt.Sprintf("no room to inflate %d bytes for user %d: one user may have half of views-spool open, which is %d bytes, and %d are held by the views that this one has open; %s",
			e.Size, e.User, e.Max, e.Held, remedy)
	case e.Size > e.Max:
		return fmt.Sprintf("it inflates to %d bytes, and views-spool allows %d", e.Size, e.Max)
	}
	return fmt.Sprintf("no room to inflate %d bytes: of the %d that views-spool allows, %d are held by open views; %s", e.Size, e.Max, e.Held, remedy)
}

func (e *FullError) Unwrap() error { return unix.ENOSPC }

// share says whether user may hold size bytes more: half of the room for each, so that none keeps all others out. The
// daemon's own user and root may have all of it. Who has open what another has open too holds it as well: he could outlast
// him. Called with mu held.
func (s *Spool) share(size int64, user uint32) error {
	if user == 0 || int(user) == os.Geteuid() || size <= s.max/2-s.held[user] {
		return nil
	}
	return &FullError{Size: size, Held: s.held[user], Max: s.max / 2, Share: true, User: user}
}

// hold counts one more use of an entry by user, if he may have it. Called with mu held.
func (s *Spool) hold(e *entry, user uint32) error {
	if e.held[user] == 0 {
		if err := s.share(e.size, user); err != nil {
			return err
		}
	}
	s.count(e, user)
	return nil
}

func (s *Spool) count(e *entry, user uint32) {
	e.refs++
	if e.held[user]++; e.held[user] == 1 {
		s.held[user] += e.size
	}
}

func (s *Spool) discount(e *entry, user uint32) {
	e.refs--
	if e.held[user]--; e.held[user] > 0 {
		return
	}
	delete(e.held, user)
	if s.held[user] -= e.size; s.held[user] == 0 {
		delete(s.held, user)
	}
}
