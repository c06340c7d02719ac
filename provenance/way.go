package provenance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/internal/beneath"
)

// ownersWay says why somebody else than root and the effective user could put another file where the configuration names
// one in the tree. Owning a file is not enough for it to acquit: whoever can write to a folder on the way can put a link
// there, or move in another file of root's, and root's own clone of a repository brings the attacker's list as root's.
//
// So the way from the tree's root down to the file must hold folders of root or the effective user alone, without one link.
// The look goes from the top down: once a folder has passed, nobody else can change what is looked at next, and what is
// opened by the name afterwards is what was looked at. The permissions of a POSIX access list show in the group's bits.
func ownersWay(t Tree, rel string) error {
	l, can := t.(looker)
	if !can {
		return fmt.Errorf("%s: this tree cannot tell whose its folders are; keep the file outside the tree", rel)
	}
	dir := "."
	for _, name := range append([]string{"."}, strings.Split(path.Clean(rel), "/")...) {
		dir = path.Join(dir, name)
		st, err := statOf(l, dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is not there", rel)
		case err != nil:
			return fmt.Errorf("%s: %w", dir, err)
		}
		if why := othersCan(st, dir == path.Clean(rel)); why != "" {
			if dir == "." {
				dir = "the tree's root"
			}
			return fmt.Errorf("%s: %s %s; what the configuration names in the tree lies there without links, in folders "+
				"that only root or user %d can write to: mend that, or keep the file outside the tree", rel, dir, why, os.Geteuid())
		}
	}
	return nil
}

func statOf(l looker, name string) (*unix.Stat_t, error) {
	f, err := l.Path(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var st unix.Stat_t
	return &st, unix.Fstat(int(f.Fd()), &st)
}

// othersCan says what is wrong with one step of the way; "" for nothing. The file's own mode is for ownersAlone.
func othersCan(st *unix.Stat_t, last bool) string {
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFLNK:
		return "is a link"
	case last && kind != unix.S_IFREG:
		return "is not a regular file"
	case !last && kind != unix.S_IFDIR:
		return "is not a folder"
	case st.Uid != 0 && st.Uid != uint32(os.Geteuid()):
		return fmt.Sprintf("belongs to user %d", st.Uid)
	case !last && st.Mode&0o022 != 0: // a sticky one too: it keeps no one from putting a file where none is
		return fmt.Sprintf("lets others write (mode %04o)", st.Mode&0o7777)
	}
	return ""
}

// trustedWay is ownersWay for a file of the configuration that is read by its host path, before any tree is served.
func (o *Options) trustedWay(host string) error {
	rel, inside := o.below(host)
	if !inside {
		return nil
	}
	root, err := beneath.Open(o.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	return ownersWay(root, rel)
}

// byAnotherName says that an open file which was named outside the tree lies in it: its way is the tree's, and must be
// judged as that.
func byAnotherName(t Tree, f *os.File) error {
	r, ok := t.(interface{ File() *os.File })
	if !ok {
		return nil
	}
	root, err := placeOf(r.File())
	if err != nil {
		return err
	}
	place, err := placeOf(f)
	if err == nil && strings.HasPrefix(place, strings.TrimSuffix(root, "/")+"/") {
		err = fmt.Errorf("%s is %s, which lies in the tree: name it as it is there, or keep it outside", f.Name(), place)
	}
	return err
}

// settle gives the files of the configuration in the tree their names below the root, where they are named by another name
// of the root's own: what the operator calls /models may be a link to it.
func (o *Options) settle() {
	if o.Root == "" {
		return
	}
	o.Checksums, o.SBOMs, o.TrustKeys = slices.Clone(o.Checksums), slices.Clone(o.SBOMs), slices.Clone(o.TrustKeys)
	files := []*string{&o.TrustedRoot}
	for i := range o.Checksums {
		files = append(files, &o.Checksums[i])
	}
	for i := range o.SBOMs {
		files = append(files, &o.SBOMs[i])
	}
	for i := range o.TrustKeys {
		files = append(files, &o.TrustKeys[i].File)
	}
	real, err := folderAt(o.Root)
	if err != nil {
		return // no tree, and nothing in it
	}
	for _, f := range files {
		if *f != "" {
			*f = o.settled(*f, real)
		}
	}
}

// settled looks for the root among the folders of a name, from the top down: a link further down is on the way.
func (o *Options) settled(host, real string) string {
	if _, inside := o.below(host); inside {
		return host
	}
	for i := 1; i < len(host); i++ {
		if host[i] != '/' {
			continue
		}
		if at, err := folderAt(host[:i]); err == nil && at == real {
			return filepath.Join(o.Root, host[i:])
		}
	}
	return host
}

// folderAt is where a name leads, if to a folder. The folder itself is asked for nothing: it may be one that we serve.
func folderAt(name string) (string, error) {
	f, err := os.OpenFile(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return placeOf(f)
}

// placeOf is where the kernel has an open file, without asking a filesystem.
func placeOf(f *os.File) (string, error) {
	return os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}
