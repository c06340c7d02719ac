package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trustfs/internal/beneath"
)

// Whatever a link says, the answer goes up at most as far as the link lies deep, and never up again after going down: then no
// link on the way can lead the kernel out of the mount.
func FuzzReadlinkStaysInside(f *testing.F) {
	dir := f.TempDir()
	for _, d := range []string{"a/b/c", "x"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	for name, target := range map[string]string{"a/up": "..", "a/b/root": "../..", "x/abs": dir, "loop": "loop", "a/b/c/l": "../../up/x", "out": "/etc", "a/far": "../../.."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			f.Fatal(err)
		}
	}
	root, err := beneath.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	tr := &tree{root: root, links: newLinkRules(dir, "/models")}
	for _, link := range []string{"l", "a/l", "a/b/l", "x/y/z/l"} {
		for _, target := range []string{"", ".", "..", "../..", "a/up/..", "a/b/root/..", "x/abs/../..", "loop/..", "/models/x", dir, dir + "/../x",
			"/etc/passwd", "a/../../..", "../../models/a", "a/b/c/l/../../..", "nowhere/../..", "a//b/./c/../..", "out/..", "a/far/.."} {
			f.Add(link, target)
		}
	}
	f.Fuzz(func(t *testing.T, link, target string) {
		if len(components(link)) == 0 || hasUp(components(link)) || strings.ContainsRune(link+target, 0) || len(link) > 255 || len(target) > 4095 {
			return
		}
		parts, err := tr.inTree(link, target)
		if err != nil {
			return
		}
		way := relative(link, parts)
		ups, down := splitUps(components(way))
		if strings.HasPrefix(way, "/") || ups > len(components(link))-1 || hasUp(down) {
			t.Errorf("link %q -> %q is answered %q", link, target, way)
		}
	})
}
