package fs

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// followSource finds the file that a link in dir leads to: the blob behind a snapshot of a Hugging Face cache. ENOENT where
// the link leads to no file of the tree.
//
// The kernel asks for rights to search each folder on the way when a reader follows a link. Here the daemon follows it, in
// one step and through no other link, and must not lead a reader where he could not go: see mayPass.
func (t *tree) followSource(dir string, link *viewSource) (*viewSource, error) {
	target, err := readlinkAt(int(link.file.Fd()))
	if err != nil {
		return nil, err
	}
	start, rest, err := t.links.origin(components(link.path), target)
	ups, down := splitUps(rest)
	if err != nil || ups > len(start) || hasUp(down) || len(down) == 0 {
		return nil, unix.ENOENT
	}
	parts := append(start[:len(start)-ups:len(start)-ups], down...)
	p, err := t.root.Path(strings.Join(parts, "/"))
	if err != nil {
		return nil, unix.ENOENT // not there, or through another link
	}
	st, err := statx(p)
	if err == nil && (kindOf(st.Mode) != kindFile || !t.mayPass(components(dir), parts)) {
		err = unix.ENOENT
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return &viewSource{path: strings.Join(parts, "/"), file: p, stat: st}, nil
}

// mayPass says whether whoever may search the folder from may search all folders on the way to the file at to as well:
// each lets everybody in, or has the owner and the mode of from itself. An ACL counts as a no.
func (t *tree) mayPass(from, to []string) bool {
	like, _ := t.searchable(from)
	common := 0
	for common < len(from) && common < len(to)-1 && from[common] == to[common] {
		common++
	}
	var way [][]string
	for i := common; i < len(from); i++ {
		way = append(way, from[:i])
	}
	for i := common; i < len(to); i++ {
		way = append(way, to[:i])
	}
	for _, dir := range way {
		rights, ok := t.searchable(dir)
		if !ok || rights.mode&0o001 == 0 && rights != like {
			return false
		}
	}
	return true
}

type rights struct{ mode, uid, gid uint32 }

// searchable gives the rights of a folder; ok is false where an ACL says more, or nothing can be said.
func (t *tree) searchable(dir []string) (rights, bool) {
	p, err := t.root.Path(strings.Join(dir, "/"))
	if err != nil {
		return rights{}, false
	}
	defer p.Close()
	st, err := statx(p)
	if err != nil || kindOf(st.Mode) != kindDir {
		return rights{}, false
	}
	_, err = unix.Getxattr("/proc/self/fd/"+strconv.Itoa(int(p.Fd())), "system.posix_acl_access", nil)
	if err != unix.ENODATA && err != unix.EOPNOTSUPP {
		return rights{}, false
	}
	return rights{mode: uint32(st.Mode), uid: st.Uid, gid: st.Gid}, true
}
