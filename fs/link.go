package fs

import (
	"errors"
	gopath "path"
	"strings"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/formats"
)

// linkRules says which absolute paths mean the tree: the real directory and the mountpoint, under every name that is known
// of them.
type linkRules struct{ prefixes [][]string }

// newLinkRules takes absolute, clean paths.
func newLinkRules(paths ...string) linkRules {
	var r linkRules
	for _, p := range paths {
		if parts := components(p); len(parts) > 0 {
			r.prefixes = append(r.prefixes, parts)
		}
	}
	return r
}

// errEscapes says that a link leads out of the tree.
var errEscapes = errors.New("the link leads out of the tree")

// Readlink gives a link's target as a relative path that stays in the mount, or refuses.
//
// The kernel walks the answer itself, from the directory in which it found the link. So the answer must be safe whatever
// it meets on the way: it goes up at most as far as the link lies deep, and then only down. Going down it may meet other
// links, about which it asks again. A ".." after a name could follow a link first and then climb out; those are resolved
// here (resolve.go).
func (t *tree) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	n := t.nodes.get(h.NodeId)
	if n == nil {
		return nil, stale
	}
	if n.key.kind != kindLink && n.key.kind != kindReportLink {
		return nil, fuse.EINVAL
	}
	target, err := t.target(n)
	if err = t.restless.settle(h.Pid, n.key.path, err); err != nil {
		return nil, t.refuse("readlink", n.key.path, err)
	}
	parts, err := t.inTree(n.key.path, target)
	if err != nil {
		if isErr(err, errEscapes) {
			if _, due := t.said.due(time.Now(), "traversal "+n.key.path+"\x00"+target); due {
				t.gate.Traversal(n.key.path, target)
			}
			return nil, fuse.EACCES
		}
		return nil, t.refuse("readlink", n.key.path, err)
	}
	if n.key.kind == kindLink && disguises(n.key.path, target, parts) {
		t.warn("link refused", "path", n.key.path, "target", target,
			"reason", "the link's name says code and its target's does not: the target would be judged as something else than it is used as; give the target the same extension")
		return nil, fuse.EACCES
	}
	out := relative(n.key.path, parts)
	if n.key.kind == kindReportLink {
		out += reportSuffix
	}
	return []byte(out), fuse.OK
}

// disguises says whether a link makes code of a file that is judged as something else: modeling_x.py -> notes.txt. The
// kernel follows links, so the file is opened, and judged, under its own name. The rule looks at the two names alone, so that
// no race decides it, and it holds for each link of a chain. Blobs of a Hugging Face cache are judged under the links that
// lead straight to them.
func disguises(link, target string, parts []string) bool {
	if len(parts) == 0 || !formats.CodeName(link) || formats.CodeName(parts[len(parts)-1]) {
		return false
	}
	blob := len(parts) > 2 && parts[len(parts)-2] == "blobs" && !strings.HasPrefix(target, "/")
	repo := strings.Join(parts[:max(0, len(parts)-2)], "/")
	return !blob || !strings.HasPrefix(link, repo+"/snapshots/") || gopath.Join(gopath.Dir(link), target) != strings.Join(parts, "/")
}

// target reads the link that n stands for, as it is written.
func (t *tree) target(n *node) (string, error) {
	p, _, err := t.object(n)
	if err != nil {
		return "", err
	}
	defer p.Close()
	return readlinkAt(int(p.Fd()))
}

// readlinkAt reads the link that an O_PATH descriptor holds.
func readlinkAt(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	size, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:size]), nil
}

// inTree gives the components, from the root, of where the link at path leads; errEscapes if that is not in the tree. Links
// among the components are left to the kernel.
func (t *tree) inTree(path, target string) ([]string, error) {
	start, rest, err := t.links.origin(components(path), target)
	if err != nil {
		return nil, err
	}
	ups, down := splitUps(rest)
	if ups > len(start) {
		return nil, errEscapes
	}
	if !hasUp(down) {
		return append(start[:len(start)-ups:len(start)-ups], down...), nil
	}
	return t.resolve(start, rest)
}

// origin says where a target is walked from: the components of the directory to start in, and of the way from there. An
// absolute target starts at the tree's root if it names the tree. A relative one that climbs out of the tree may come back
// in through the tree's own name; then it is taken as absolute.
func (r linkRules) origin(link []string, target string) (start, rest []string, err error) {
	dir, parts := link[:len(link)-1], components(target)
	if strings.HasPrefix(target, "/") {
		rest, err = r.strip(parts)
		return nil, rest, err
	}
	ups, down := splitUps(parts)
	above := ups - len(dir)
	if above <= 0 {
		return dir, parts, nil
	}
	for _, prefix := range r.prefixes {
		if above > len(prefix) {
			continue
		}
		absolute := append(prefix[:len(prefix)-above:len(prefix)-above], down...)
		if rest, ok := cutPrefix(absolute, prefix); ok {
			return nil, rest, nil
		}
	}
	return nil, nil, errEscapes
}

// strip takes the tree's own name off an absolute path.
func (r linkRules) strip(parts []string) ([]string, error) {
	for _, prefix := range r.prefixes {
		if rest, ok := cutPrefix(parts, prefix); ok {
			return rest, nil
		}
	}
	return nil, errEscapes
}

func cutPrefix(parts, prefix []string) ([]string, bool) {
	if len(parts) < len(prefix) {
		return nil, false
	}
	for i, p := range prefix {
		if parts[i] != p {
			return nil, false
		}
	}
	return parts[len(prefix):], true
}

// components splits a path; empty components and "." say nothing.
func components(path string) []string {
	var parts []string
	for p := range strings.SplitSeq(path, "/") {
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return parts
}

// splitUps counts the leading ".." components.
func splitUps(parts []string) (ups int, down []string) {
	for ups < len(parts) && parts[ups] == ".." {
		ups++
	}
	return ups, parts[ups:]
}

func hasUp(parts []string) bool {
	for _, p := range parts {
		if p == ".." {
			return true
		}
	}
	return false
}

// relative is the way from the directory of the link at path to the object at parts.
func relative(path string, parts []string) string {
	dir := components(path)
	dir = dir[:len(dir)-1]
	common := 0
	for common < len(dir) && common < len(parts) && dir[common] == parts[common] {
		common++
	}
	way := strings.Repeat("../", len(dir)-common) + strings.Join(parts[common:], "/")
	if way = strings.TrimSuffix(way, "/"); way == "" {
		return "."
	}
	return way
}
