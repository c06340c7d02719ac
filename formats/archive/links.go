package archive

import (
	"path"
	"strings"

	"trustfs/formats"
)

// linkEscapes reports a symbolic link that leaves the folder its archive is extracted to: what is extracted through it
// afterwards lands outside (CVE-2025-12060).
func linkEscapes(c *formats.Context, where, name, target string) {
	if path.IsAbs(target) || strings.HasPrefix(target, `\`) {
		c.Addf(formats.RuleArchiveTraversal, where, "symbolic link to %q: an absolute path", target)
		return
	}
	if to := path.Join(path.Dir(name), target); to == ".." || strings.HasPrefix(to, "../") {
		c.Addf(formats.RuleArchiveTraversal, where, "symbolic link to %q leaves the folder", target)
	}
}

// checkLink reads the target that a zip member with a link's mode has as its data.
func checkLink(c *formats.Context, src *formats.Source, name string) {
	b, err := readAt(src, 0, int(min(src.Size, 4096)))
	if err == nil {
		linkEscapes(c, src.Where, name, string(b))
	}
}

// afterZeros finds the first byte from off on that is not zero, or the end.
func afterZeros(s *formats.Source, off int64) int64 {
	const chunk = 64 << 10
	for off = max(off, 0); off < s.Size; off += chunk {
		b, err := readAt(s, off, int(min(chunk, s.Size-off)))
		if err != nil {
			return off
		}
		for i, v := range b {
			if v != 0 {
				return off + int64(i)
			}
		}
	}
	return s.Size
}
