package provenance

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Options say what is trusted. The zero value trusts nothing: every file is unsigned, and lists can only convict.
type Options struct {
	// Root is the tree's directory on the host, absolute: lists below it are opened through the Tree, and absolute names in
	// outside lists are taken relative to it. Empty for no tree.
	Root string
	// Pins is the directory of the operator's pins; empty for none.
	Pins string
	// Checksums are the lists whose matches acquit: host paths. Names in a list inside the tree are relative to the list's
	// folder, in one outside to the tree's root. Each must belong to root or the effective user, and be writable by nobody
	// else.
	Checksums []string
}

func (o *Options) validate() error {
	if o.Root != "" && !filepath.IsAbs(o.Root) {
		return fmt.Errorf("provenance: the tree's root %q is not an absolute path", o.Root)
	}
	if o.Pins != "" && !filepath.IsAbs(o.Pins) {
		return fmt.Errorf("provenance: the directory of pins %q is not an absolute path", o.Pins)
	}
	for _, l := range o.Checksums {
		if !filepath.IsAbs(l) {
			return fmt.Errorf("provenance: the checksum list %q is not an absolute path", l)
		}
	}
	return nil
}

// below gives a host path's name in the tree, if it lies there by its name.
func (o *Options) below(path string) (string, bool) {
	if o.Root == "" {
		return "", false
	}
	rel, err := filepath.Rel(o.Root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return rel, true
}
