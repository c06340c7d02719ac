package provenance

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trustfs/provenance/publisher"
	"trustfs/provenance/sigstore"
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
	// else; in the tree so must every folder on the way, and no link may be there. The same goes for TrustKeys, TrustedRoot
	// and SBOMs.
	Checksums []string
	// TrustKeys are the keys and certificate authorities whose signatures count.
	TrustKeys []TrustKey
	// TrustedRoot is the file of the Sigstore trusted root (trusted_root.json); empty for none: no Sigstore bundle can be
	// checked then.
	TrustedRoot string
	// Publishers are the identities whose Sigstore signatures count.
	Publishers []publisher.Rule
	// Sigstore says how much evidence a bundle must bring; the zero value means sigstore.DefaultThresholds.
	Sigstore sigstore.Thresholds
	// SBOMs are bills of materials that the configuration names: host paths.
	SBOMs []string
	// SBOMsInTree says that others are looked for beside the file. They acquit nothing, and reading what a supplier wrote
	// costs time and memory: they are wanted only where an SBOM is required, or a policy may ask for it.
	SBOMsInTree bool
	// ListFolders lists a folder in which the evidence of many files is looked for, and the pins, once for each version of
	// it, instead of looking for each name. It is for a command that judges what is there and ends. What serves for long
	// must not take a folder's timestamps for its content: then what comes to convict a file is met at the next look.
	// Even a command lists only where the filesystem keeps stamps soundly.
	ListFolders bool
	// Now is the time at which model signing's certificates must be valid; nil means time.Now.
	Now func() time.Time
}

func (o *Options) thresholds() sigstore.Thresholds {
	if o.Sigstore == (sigstore.Thresholds{}) {
		return sigstore.DefaultThresholds()
	}
	return o.Sigstore
}

func (o *Options) validate() error {
	if o.Root != "" && !filepath.IsAbs(o.Root) {
		return fmt.Errorf("provenance: the tree's root %q is not an absolute path", o.Root)
	}
	if o.Pins != "" && !filepath.IsAbs(o.Pins) {
		return fmt.Errorf("provenance: the directory of pins %q is not an absolute path", o.Pins)
	}
	files := map[string][]string{"the checksum list": o.Checksums, "the SBOM": o.SBOMs}
	for _, k := range o.TrustKeys {
		files["the trusted key"] = append(files["the trusted key"], k.File)
	}
	if o.TrustedRoot != "" {
		files["the trusted root"] = []string{o.TrustedRoot}
	}
	for _, what := range slices.Sorted(maps.Keys(files)) {
		for _, f := range files[what] {
			if !filepath.IsAbs(f) {
				return fmt.Errorf("provenance: %s %q is not an absolute path", what, f)
			}
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
