package fs

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxLinks is how many links one name may lead through; Linux's own limit.
	maxLinks = 40
	// maxSteps bounds the work for links that are made of nothing but detours; an honest target has a few.
	maxSteps = 4096
)

// errDetours says that a link is too long a way to be followed here.
var errDetours = errors.New("the link leads through too many names")

// resolve walks rest from the directory start as the kernel would, and gives the components of where that leads, without
// links and without "..". What is missing on the way ends the walk: the remainder is left as it is written, up to its first
// "..", so that following the answer fails as following the link would.
//
// Nothing depends on the tree holding still: the answer is a way up and down again inside the mount in any case.
func (t *tree) resolve(start, rest []string) ([]string, error) {
	at := append([]string(nil), start...)
	for links, steps := 0, 0; len(rest) > 0; steps++ {
		if steps > maxSteps {
			return nil, errDetours
		}
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			if len(at) == 0 {
				return nil, errEscapes
			}
			at = at[:len(at)-1]
			continue
		}
		at = append(at, name)
		target, isLink, err := t.linkAt(strings.Join(at, "/"))
		if isErr(err, unix.ENOENT) || isErr(err, unix.ENOTDIR) {
			return append(at, untilUp(rest)...), nil
		}
		if err != nil {
			return nil, err
		}
		if !isLink {
			continue
		}
		if links++; links > maxLinks {
			return nil, errDetours
		}
		from, way, err := t.links.origin(at, target)
		if err != nil {
			return nil, err
		}
		at = append([]string(nil), from...)
		rest = append(append([]string(nil), way...), rest...)
	}
	return at, nil
}

// linkAt reads the link at path, if there is one.
func (t *tree) linkAt(path string) (target string, isLink bool, err error) {
	p, err := t.root.Path(path)
	if err != nil {
		return "", false, err
	}
	defer p.Close()
	st, err := statx(p)
	if err != nil || kindOf(st.Mode) != kindLink {
		return "", false, err
	}
	target, err = readlinkAt(int(p.Fd()))
	return target, true, err
}

// untilUp is the part of a way before its first "..".
func untilUp(parts []string) []string {
	for i, p := range parts {
		if p == ".." {
			return parts[:i]
		}
	}
	return parts
}
