package beside

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// makers are the users whose programs may be executed: root, the effective user, and the owner of the running program, who
// might have changed that instead (a source tree of a user's, run by root).
func makers() []uint32 {
	users := []uint32{0, uint32(os.Geteuid())}
	var st unix.Stat_t
	if unix.Stat("/proc/self/exe", &st) == nil {
		users = append(users, st.Uid)
	}
	return users
}

// vet gives the path of the program of that name in a place, links resolved, or says why it must not be executed. It and its
// folder, as they are named and where links lead, must belong to one of the makers, links themselves too; nobody else may
// write to them, sticky or not: in a sticky folder others still add what was missing. The folder above must belong to a maker
// as well where it is not the running program's.
//
// A group may write only if its number is that of the owner, as with users who have a group to themselves and umask 002
// (Debian, Fedora). Looking up who is in a group would need its whole database, and settle nothing: members come and go.
func vet(at place, name string, makers []uint32) (string, error) {
	dir, p := at.dir, filepath.Join(at.dir, name)
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	named := []string{dir, p}
	if !at.own {
		named = append(named, filepath.Dir(dir))
	}
	for _, name := range named {
		if err := owned(name, makers); err != nil {
			return "", err
		}
	}
	for _, name := range []string{dir, filepath.Dir(real), real} {
		if err := closed(name, makers); err != nil {
			return "", err
		}
	}
	return real, nil
}

// owned says whether a name belongs to one of the makers: of a link, whose word it is where the way leads.
func owned(name string, makers []uint32) error {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: name, Err: err}
	}
	return byMaker(name, &st, makers)
}

// closed says whether what a name leads to belongs to one of the makers, and nobody else may write to it.
func closed(name string, makers []uint32) error {
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if err := byMaker(name, &st, makers); err != nil {
		return err
	}
	const remedy = "%s: mode %04o lets %s write, who could put another program there; %s it, or install trustfs elsewhere"
	switch {
	case st.Mode&0o002 != 0:
		return fmt.Errorf(remedy, name, st.Mode&0o7777, "everybody", "chmod o-w")
	case st.Mode&0o020 != 0 && st.Gid != st.Uid:
		return fmt.Errorf(remedy, name, st.Mode&0o7777, fmt.Sprintf("group %d", st.Gid), "chmod g-w")
	}
	return nil
}

func byMaker(name string, st *unix.Stat_t, makers []uint32) error {
	if slices.Contains(makers, st.Uid) {
		return nil
	}
	return fmt.Errorf("%s: owned by user %d, who is neither root, nor the user that runs trustfs, nor the owner of the running "+
		"program; chown it, or install trustfs elsewhere", name, st.Uid)
}
