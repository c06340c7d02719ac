package gatekeeper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// linkNames are the other names under which loaders meet a file, and the folders that were looked through for them.
type linkNames struct {
	paths  []string
	stamps []dirStamp // each taken before its folder was listed
	err    error      // the folders could not be looked through: the file cannot be judged under all its names
}

// Bounds of a Hugging Face repository's snapshots: real ones hold a few hundred files in a few folders.
const (
	maxSnapshotEntries = 100_000
	maxSnapshotDepth   = 12
)

// loaderNames finds the links of a Hugging Face cache that lead to a blob. The kernel follows links, so behind
// models--o--n/snapshots/<rev>/pytorch_model.bin the file that is opened is models--o--n/blobs/<digest>: no name, no
// extension, no sidecar. What a loader would do with the bytes depends on the names that lead there.
func loaderNames(tree Tree, blob string) *linkNames {
	l := &linkNames{}
	repo, ok := blobRepository(blob)
	if !ok || tree == nil {
		return l
	}
	w := &snapshotWalk{tree: tree, blob: blob, names: l}
	if err := w.folder(path.Join(repo, "snapshots"), 0); err != nil {
		l.err = fmt.Errorf("the links that lead to the blob: %w", err)
	}
	return l
}

// blobRepository splits ".../models--o--n/blobs/<digest>" and gives the repository's folder.
func blobRepository(p string) (string, bool) {
	dir := path.Dir(p)
	repo := path.Dir(dir)
	if path.Base(dir) != "blobs" {
		return "", false
	}
	kind, _, found := strings.Cut(path.Base(repo), "--")
	return repo, found && (kind == "models" || kind == "datasets" || kind == "spaces")
}

type snapshotWalk struct {
	tree    Tree
	blob    string
	names   *linkNames
	entries int
}

func (w *snapshotWalk) folder(dir string, depth int) error {
	if depth > maxSnapshotDepth {
		return fmt.Errorf("%s: more than %d folders deep", dir, maxSnapshotDepth)
	}
	stamp, stamped := stampDir(w.tree, dir)
	entries, err := w.tree.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	if stamped {
		w.names.stamps = append(w.names.stamps, stamp)
	}
	if w.entries += len(entries); w.entries > maxSnapshotEntries {
		return fmt.Errorf("%s: more than %d entries in the snapshots", dir, maxSnapshotEntries)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			err = w.folder(name, depth+1)
		case e.Type() == fs.ModeSymlink:
			err = w.link(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *snapshotWalk) link(name string) error {
	target, err := w.tree.Readlink(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EINVAL) {
		return nil // gone, or no link any more: the folder's stamp has changed with it
	}
	if err != nil {
		return err
	}
	if !path.IsAbs(target) && path.Join(path.Dir(name), target) == w.blob {
		w.names.paths = append(w.names.paths, name)
	}
	return nil
}
