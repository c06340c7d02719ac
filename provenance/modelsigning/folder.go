package modelsigning

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"trustfs/integrity"
)

// A FolderReport is what differs between a folder and its manifest. Each list is sorted; the folder is the signed one when
// all are empty.
type FolderReport struct {
	Mismatched []string
	Missing    []string // listed, and not there
	Added      []string // there, and not listed
}

// OK says that nothing differs.
func (r *FolderReport) OK() bool { return len(r.Mismatched)+len(r.Missing)+len(r.Added) == 0 }

// VerifyFolder holds a whole folder against a manifest, as the reference implementation's verify does: every listed file
// must be there with its digest, and no other file but those that are ignored. signature is the manifest's own name in the
// folder, if it lies there.
func (m *Manifest) VerifyFolder(ctx context.Context, folder fs.FS, signature string) (*FolderReport, error) {
	r := &FolderReport{}
	seen := map[string]bool{}
	err := walk(folder, m.AllowSymlinks, func(name string) bool { return name == signature || m.ignores(name) }, func(name string) error {
		seen[name] = true
		if len(m.entries[name]) == 0 {
			r.Added = append(r.Added, name)
			return nil
		}
		res, err := m.checkFile(ctx, folder, name)
		if res != Match {
			r.Mismatched = append(r.Mismatched, name)
		}
		return err
	})
	for name := range m.Names {
		if !seen[name] {
			r.Missing = append(r.Missing, name)
		}
	}
	slices.Sort(r.Missing)
	return r, err
}

func (m *Manifest) checkFile(ctx context.Context, folder fs.FS, name string) (Result, error) {
	f, err := folder.Open(name)
	if err != nil {
		return Mismatch, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Mismatch, err
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return Mismatch, fmt.Errorf("%s: cannot be read at offsets", name)
	}
	h := sha256.New()
	if _, err := io.Copy(h, &contextReader{ctx, io.NewSectionReader(at, 0, st.Size())}); err != nil {
		return Mismatch, fmt.Errorf("%s: %w", name, err)
	}
	return m.Check(ctx, name, integrity.Digest(h.Sum(nil)), at, st.Size())
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// walk visits the regular files of a folder that are not ignored, in the order that manifests have: by path segments. A
// link is an error unless links are allowed, anything else that is no file or folder always.
func walk(folder fs.FS, links bool, ignored func(string) bool, visit func(name string) error) error {
	var names []string
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && ignored(name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case d.Type() == fs.ModeSymlink && links:
			st, err := fs.Stat(folder, name)
			if err != nil {
				return err
			}
			if !st.Mode().IsRegular() {
				return fmt.Errorf("%s: a link to what is no regular file", name)
			}
		case !d.Type().IsRegular():
			return fmt.Errorf("%s: a link or special file; model signing takes regular files", name)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	for _, n := range names {
		if err := visit(path.Clean(n)); err != nil {
			return err
		}
	}
	return nil
}
