package mounts

import (
	"os"
	"strconv"
	"strings"

	"trustfs/fs/mount"
)

// Ours lists the trustfs mounts that belong to root or to the user, in the kernel's order: later ones lie over earlier
// ones.
func Ours() ([]mount.Info, error) {
	all, err := mount.List()
	var out []mount.Info
	for _, m := range all {
		if ours(m) {
			out = append(out, m)
		}
	}
	return out, err
}

// ours says whether a mount is a trustfs that this process may believe: anybody can mount a FUSE filesystem of that name,
// but the kernel writes who did.
func ours(m mount.Info) bool {
	uid, ok := owner(m)
	return m.Type == mount.Type && ok && (uid == 0 || uid == os.Geteuid())
}

func owner(m mount.Info) (uid int, ok bool) {
	for _, o := range strings.Split(m.Super, ",") {
		if v, found := strings.CutPrefix(o, "user_id="); found {
			uid, err := strconv.Atoi(v)
			return uid, err == nil
		}
	}
	return 0, false
}
