// Package beside finds the programs that are installed together.
//
// What is found is executed, by root perhaps, so it must come from those who could have changed the running program as well:
// see vet. A program that they did not make is an error. It is not passed over for the next place, where an older one may lie.
package beside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A place is a folder in which a program of the same installation may lie.
type place struct {
	dir string
	own bool // the running program's own folder: whoever may rename that could put another program there in its stead
}

// places are, the first one first: where the running program is (bin/ of a source tree), lib/trustfs beside its folder if that
// is bin or sbin (/usr/local/lib for /usr/local/bin), and the distribution's. exe may be empty.
func places(exe string) []place {
	var all []place
	if exe != "" {
		dir := filepath.Dir(exe)
		all = append(all, place{dir, true})
		if base := filepath.Base(dir); base == "bin" || base == "sbin" {
			all = append(all, place{dir: filepath.Join(filepath.Dir(dir), "lib", "trustfs")})
		}
	}
	for _, dir := range []string{"/usr/lib/trustfs", "/usr/libexec/trustfs"} {
		if !slices.ContainsFunc(all, func(p place) bool { return p.dir == dir }) {
			all = append(all, place{dir: dir})
		}
	}
	return all
}

// Find gives the path of a program by that name in the first of the places that has one, links resolved: a regular file that
// somebody may execute. Where there is none the error is fs.ErrNotExist and names the places. A program that must not be
// executed is an error too, as vet says.
func Find(name string) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		exe = "" // no /proc: the distribution's places remain
	}
	return find(name, places(exe), makers())
}

func find(name string, places []place, makers []uint32) (string, error) {
	for _, at := range places {
		p := filepath.Join(at.dir, name)
		st, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			continue
		case err != nil:
			return "", err
		case !st.Mode().IsRegular(), st.Mode()&0o111 == 0:
			continue
		}
		return vet(at, name, makers)
	}
	return "", &absentError{name, places}
}

// An absentError is fs.ErrNotExist for a program.
type absentError struct {
	name   string
	places []place
}

func (e *absentError) Error() string {
	dirs := make([]string, len(e.places))
	for i, p := range e.places {
		dirs[i] = p.dir
	}
	return fmt.Sprintf("%s, which is not in %s", e.name, strings.Join(dirs, ", "))
}

func (e *absentError) Is(err error) bool { return err == fs.ErrNotExist }
