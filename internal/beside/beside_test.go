package beside

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dirs are the folders of places.
func dirs(all []place) (out []string) {
	for _, p := range all {
		out = append(out, p.dir)
	}
	return out
}

func TestPlaces(t *testing.T) {
	for exe, want := range map[string][]string{
		"/usr/bin/trustfs":          {"/usr/bin", "/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"/usr/local/bin/trustfs":    {"/usr/local/bin", "/usr/local/lib/trustfs", "/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"/usr/local/sbin/trustfs":   {"/usr/local/sbin", "/usr/local/lib/trustfs", "/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"/tmp/x/trustfs":            {"/tmp/x", "/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"/tmp/trustfs":              {"/tmp", "/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"/usr/lib/trustfs/x-engine": {"/usr/lib/trustfs", "/usr/libexec/trustfs"},
		"":                          {"/usr/lib/trustfs", "/usr/libexec/trustfs"},
	} {
		if got := dirs(places(exe)); !slices.Equal(got, want) {
			t.Errorf("beside %q: %v, expected %v", exe, got, want)
		}
	}
}

const prog = "trustfs-engine"

// An installation is a folder with bin/ and lib/trustfs/, which holds the program.
type installation struct{ dir, bin, lib, program string }

func install(t *testing.T) installation {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	i := installation{dir, dir + "/bin", dir + "/lib/trustfs", dir + "/lib/trustfs/" + prog}
	for _, d := range []string{i.bin, i.lib} {
		must(t, os.MkdirAll(d, 0o755))
		must(t, os.Chmod(d, 0o755))
	}
	put(t, i.program, 0o755)
	return i
}

func put(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	must(t, os.WriteFile(path, []byte("#!/bin/true\n"), 0o600))
	must(t, os.Chmod(path, mode))
}

func (i installation) find() (string, error) {
	return find(prog, places(i.bin + "/trustfs")[:2], makers())
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(t *testing.T, i installation)
		want  string // below the installation; empty for none
		no    string // what the error says
	}{
		{"as installed", func(*testing.T, installation) {}, "lib/trustfs/" + prog, ""},
		{"beside the program first", func(t *testing.T, i installation) { put(t, i.bin+"/"+prog, 0o755) }, "bin/" + prog, ""},
		{"one that nobody may execute", func(t *testing.T, i installation) { put(t, i.bin+"/"+prog, 0o644) }, "lib/trustfs/" + prog, ""},
		{"a folder of that name", func(t *testing.T, i installation) { must(t, os.Mkdir(i.bin+"/"+prog, 0o755)) }, "lib/trustfs/" + prog, ""},
		{"nowhere", func(t *testing.T, i installation) { must(t, os.Remove(i.program)) }, "", "which is not in "},
		{"a link", func(t *testing.T, i installation) {
			must(t, os.Symlink("../lib/trustfs/"+prog, i.bin+"/"+prog))
		}, "lib/trustfs/" + prog, ""},
		{"a link that leads nowhere", func(t *testing.T, i installation) {
			must(t, os.Symlink("nowhere", i.bin+"/"+prog))
		}, "lib/trustfs/" + prog, ""},
		{"a link to what others may write", func(t *testing.T, i installation) {
			must(t, os.Chmod(i.lib, 0o777))
			must(t, os.Symlink(i.program, i.bin+"/"+prog))
		}, "", "lib/trustfs: mode 0777 lets everybody write"},
		{"a link in a folder that others may write", func(t *testing.T, i installation) {
			must(t, os.Symlink("../lib/trustfs/"+prog, i.bin+"/"+prog))
			must(t, os.Chmod(i.bin, 0o757))
		}, "", "bin: mode 0757 lets everybody write"},
		{"a program that others may write", func(t *testing.T, i installation) { must(t, os.Chmod(i.program, 0o757)) }, "",
			prog + ": mode 0757 lets everybody write"},
		{"a folder that others may write", func(t *testing.T, i installation) { must(t, os.Chmod(i.lib, 0o757)) }, "",
			"lib/trustfs: mode 0757 lets everybody write"},
		{"a sticky folder", func(t *testing.T, i installation) { must(t, os.Chmod(i.lib, 0o777|fs.ModeSticky)) }, "",
			"lib/trustfs: mode 1777 lets everybody write"},
		{"refused, and not passed over", func(t *testing.T, i installation) { put(t, i.bin+"/"+prog, 0o777) }, "",
			"bin/" + prog + ": mode 0777 lets everybody write"},
	} {
		t.Run(c.what, func(t *testing.T) {
			i := install(t)
			c.spoil(t, i)
			check(t, i, c.want, c.no)
		})
	}
}

func check(t *testing.T, i installation, want, no string) {
	t.Helper()
	got, err := i.find()
	switch {
	case no == "" && (err != nil || got != filepath.Join(i.dir, want)):
		t.Errorf("found %q, %v; expected %s", got, err, want)
	case no != "" && (err == nil || got != "" || !strings.Contains(err.Error(), no)):
		t.Errorf("found %q, %v; expected an error with %q", got, err, no)
	case no != "" && errors.Is(err, fs.ErrNotExist) != strings.Contains(no, "which is not in"):
		t.Errorf("%v: a program that is there counts as absent, or the other way round", err)
	}
}

// Who owns what, and which groups may write.
func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, NOT TESTED: giving files to others needs root")
	}
	const mallory, alice = 54321, 54322
	for _, c := range []struct {
		what  string
		spoil func(t *testing.T, i installation)
		no    string
	}{
		{"another's program", func(t *testing.T, i installation) { must(t, os.Chown(i.program, mallory, 0)) }, prog + ": owned by user 54321"},
		{"another's folder", func(t *testing.T, i installation) { must(t, os.Chown(i.lib, mallory, 0)) }, "lib/trustfs: owned by user 54321"},
		{"another's folder above", func(t *testing.T, i installation) { must(t, os.Chown(i.dir+"/lib", mallory, 0)) }, "lib: owned by user 54321"},
		{"another's link", func(t *testing.T, i installation) {
			must(t, os.Rename(i.lib, i.dir+"/good"))
			must(t, os.Symlink("../good", i.lib))
			must(t, os.Lchown(i.lib, mallory, 0))
		}, "lib/trustfs: owned by user 54321"},
		{"a group that may write", func(t *testing.T, i installation) {
			must(t, os.Chown(i.lib, 0, alice))
			must(t, os.Chmod(i.lib, 0o775))
		}, "lib/trustfs: mode 0775 lets group 54322 write"},
		{"a group that may write the program", func(t *testing.T, i installation) {
			must(t, os.Chown(i.program, 0, alice))
			must(t, os.Chmod(i.program, 0o775))
		}, prog + ": mode 0775 lets group 54322 write"},
		{"root's own group", func(t *testing.T, i installation) { must(t, os.Chmod(i.lib, 0o775)) }, ""},
		{"a tree of another's above the running program", func(t *testing.T, i installation) { must(t, os.Chown(i.dir, mallory, mallory)) }, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			i := install(t)
			c.spoil(t, i)
			check(t, i, "lib/trustfs/"+prog, c.no)
		})
	}
	// A source tree of a user's, with umask 002, whose program root runs: the owner of the running program is a maker.
	i := install(t)
	for _, name := range []string{i.lib, i.dir + "/lib", i.program} {
		must(t, os.Chown(name, alice, alice))
		must(t, os.Chmod(name, 0o775))
	}
	if p, err := find(prog, places(i.bin + "/trustfs")[:2], []uint32{0, alice}); err != nil || p != i.program {
		t.Errorf("a program of the running program's owner: %q, %v", p, err)
	}
	if _, err := i.find(); err == nil {
		t.Error("a program of somebody's is found")
	}
}

// The running program is this test, which its owner has made.
func TestMakers(t *testing.T) {
	if got := makers(); len(got) != 3 || got[0] != 0 || got[1] != uint32(os.Geteuid()) || got[2] != uint32(os.Geteuid()) {
		t.Errorf("makers: %v", got)
	}
	if _, err := Find("trustfs-no-such-program"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is nowhere: %v", err)
	}
}
