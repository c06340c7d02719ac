//go:build !lean

package jail

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// runAs is the user, inside the namespace, who runs the program. A root parent's programs are nobody, or where nobody
// cannot read the input, its owner. An ordinary user's programs are that user (0 inside).
func runAs(input *unix.Stat_t) (uid, gid int) {
	switch {
	case os.Geteuid() != 0:
		return 0, 0
	case input.Mode&0o004 != 0:
		return nobody, nobody
	}
	return int(input.Uid), int(input.Gid)
}

// checkedMount resolves a path and remembers what it led to.
func checkedMount(path string, kind uint32) (wire.Mount, *unix.Stat_t, error) {
	real, err := filepath.Abs(path)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return wire.Mount{}, nil, err
	}
	var st unix.Stat_t
	if err := unix.Lstat(real, &st); err != nil {
		return wire.Mount{}, nil, fmt.Errorf("%s: %w", real, err)
	}
	if st.Mode&unix.S_IFMT != kind {
		return wire.Mount{}, nil, fmt.Errorf("%s: not of the expected kind (a regular file as input, a directory for the output)", real)
	}
	return wire.Mount{Source: real, Dev: st.Dev, Ino: st.Ino}, &st, nil
}

// program finds the program and says under which path it is visible.
func (c *Command) program() (mounts []wire.Mount, where string, err error) {
	m, _, err := checkedMount(c.Program, unix.S_IFREG)
	if err != nil {
		return nil, "", fmt.Errorf("program: %w", err)
	}
	if within(m.Source, "/usr") {
		return nil, m.Source, nil
	}
	m.Exec = true
	if c.Siblings {
		name := filepath.Base(m.Source)
		dir, _, err := checkedMount(filepath.Dir(m.Source), unix.S_IFDIR)
		dir.Exec, dir.Target = true, "/program"
		return []wire.Mount{dir}, filepath.Join(dir.Target, name), err
	}
	m.Target = filepath.Join("/program", filepath.Base(m.Source))
	return []wire.Mount{m}, m.Target, nil
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// systemMounts are what a dynamically linked program needs to start.
func systemMounts() []wire.Mount {
	m := []wire.Mount{{Source: "/usr", Target: "/usr", Exec: true}}
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		m = append(m, wire.Mount{Source: dir, Target: dir, Exec: true, Optional: true})
	}
	for _, dev := range []string{"/dev/null", "/dev/zero", "/dev/urandom"} {
		m = append(m, wire.Mount{Source: dev, Target: dev, Device: true, Write: dev == "/dev/null"})
	}
	return append(m, wire.Mount{Source: "/etc/ld.so.cache", Target: "/etc/ld.so.cache", Optional: true})
}
