// Package within says whether a path that somebody gave ends at a file below a directory: the check that programs make
// before they open a name from outside. The answer holds for the moment it is given; who opens the name afterwards through
// a mount is guarded there.
package within

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"trustfs/internal/beneath"
)

// ErrTraversal says that a path leads out of the directory.
var ErrTraversal = errors.New("path traversal")

// A Dir is a directory by its real path.
type Dir struct{ path string }

// Directory finds the real path of dir, which must be a directory.
func Directory(dir string) (Dir, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Dir{}, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return Dir{}, err
	}
	st, err := os.Stat(real)
	if err != nil {
		return Dir{}, err
	}
	if !st.IsDir() {
		return Dir{}, fmt.Errorf("%s: not a directory", dir)
	}
	return Dir{real}, nil
}

// File gives the real path of a regular file in d. Errors: ErrTraversal in the chain when the path ends outside, also if
// nothing is there; fs.ErrNotExist when nothing is there; beneath.ErrNotRegular for a folder and the like.
func (d Dir) File(path string) (string, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return "", fmt.Errorf("%q: a NUL byte in a path", path)
	}
	real, err := realPath(path)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(d.path, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("%w: %s is %s, which is not in %s", ErrTraversal, path, real, d.path)
	}
	root, err := beneath.Open(d.path)
	if err != nil {
		return "", err
	}
	defer root.Close()
	f, err := root.Path(rel) // no link is left in rel; should one appear meanwhile, this is where it ends
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w", path, beneath.ErrNotRegular)
	}
	return real, nil
}

// realPath resolves links as far as the path exists, and ".." after them, as the kernel does. The rest of a path that is
// not there is taken by its letters.
func realPath(path string) (string, error) {
	if path == "" {
		return "", errors.New("an empty path")
	}
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil {
			return "", err
		}
		path = wd + "/" + path // not Join: it would resolve ".." before the links
	}
	rest := ""
	for at := path; ; {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		at = strings.TrimRight(at, "/")
		cut := strings.LastIndexByte(at, '/')
		rest = at[cut+1:] + "/" + rest
		if at = at[:cut]; at == "" {
			at = "/"
		}
	}
}
