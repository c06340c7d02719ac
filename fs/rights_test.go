package fs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = "65534"

// asNobody runs a command as a user without rights, in extra groups if named.
func asNobody(command ...string) (string, error) { return asUser(nobody, "", command...) }

func asUser(uid, groups string, command ...string) (string, error) {
	args := []string{"--reuid", uid, "--regid", uid}
	if groups == "" {
		args = append(args, "--clear-groups")
	} else {
		args = append(args, "--groups", groups)
	}
	out, err := exec.Command("setpriv", append(append(args, "--"), command...)...).CombinedOutput()
	return string(out), err
}

// A group member whom the ACL of the backing file denies is denied through the mount; default_permissions alone lets him
// in, since the mode shows the ACL's mask where the group's rights would be.
func TestACL(t *testing.T) {
	if _, err := exec.LookPath("setfacl"); err != nil {
		t.Skip("SKIPPED: needs setfacl (package acl): ", err)
	}
	r := newRig(t)
	path := r.put("d/f", "content")
	const user, group = "54321", 54399
	if err := os.Chown(path, 0, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) { return asUser(user, "54399", "cat", r.in("d/f")) }
	if out, err := read(); err != nil || out != "content" {
		t.Fatalf("a group member cannot read: %q, %v", out, err)
	}
	if out, err := exec.Command("setfacl", "-m", "u:"+user+":---", path).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the filesystem under the temporary directory has no ACLs: %s", out)
	}
	if out, err := asUser(user, "54399", "cat", path); err == nil {
		t.Fatalf("the ACL denies nothing in the backing directory: %q", out)
	}
	eventually(t, "the ACL holds through the mount", func() bool { _, err := read(); return err != nil })
	if out, err := exec.Command("setfacl", "-b", path).CombinedOutput(); err != nil {
		t.Fatal(out, err)
	}
	eventually(t, "the ACL is gone through the mount", func() bool { _, err := read(); return err == nil })
	if out, err := exec.Command("setfacl", "-m", "g:54398:rx,o::---", filepath.Join(r.dir, "d")).CombinedOutput(); err != nil {
		t.Fatal(out, err)
	}
	eventually(t, "the ACL of the folder holds", func() bool { _, err := read(); return err != nil })
	if out, err := asUser(user, "54399,54398", "cat", r.in("d/f")); err != nil {
		t.Errorf("a member of the group that the folder's ACL lets in: %q, %v", out, err)
	}
}

func TestModeIsKept(t *testing.T) {
	r := newRig(t)
	path := r.put("f", "x")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := asNobody("cat", r.in("f")); err == nil {
		t.Errorf("nobody reads %q", out)
	}
	if n := len(r.gate.judgements()); n != 0 {
		t.Error("who may not read a file had it judged")
	}
	if got := r.read("f"); got != "x" {
		t.Errorf("root reads %q", got)
	}
}

func TestOwnerOnly(t *testing.T) {
	r := newRig(t, func(o *Options) { o.OwnerOnly = true })
	r.put("f", "x")
	if out, err := asNobody("cat", r.in("f")); err == nil {
		t.Errorf("nobody reads %q", out)
	}
	if got := r.read("f"); got != "x" {
		t.Errorf("the owner reads %q", got)
	}
}

// Special files are regular files that refuse: the kernel would carry a FIFO's bytes between users without any open
// reaching the daemon.
func TestSpecialFilesRefuse(t *testing.T) {
	r := newRig(t)
	for name, mode := range map[string]uint32{"fifo": unix.S_IFIFO, "socket": unix.S_IFSOCK, "char": unix.S_IFCHR, "block": unix.S_IFBLK} {
		if err := unix.Mknod(filepath.Join(r.dir, name), mode|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Lstat(r.in(name), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 || st.Rdev != 0 {
			t.Errorf("%s: mode %o, size %d, device %d, %v", name, st.Mode, st.Size, st.Rdev, err)
		}
		for _, flags := range []int{unix.O_RDONLY, unix.O_RDONLY | unix.O_NONBLOCK} {
			_, err := unix.Open(r.in(name), flags|unix.O_CLOEXEC, 0)
			wantErrno(t, "open of a "+name, err, unix.EACCES)
		}
		if got, err := getxattr(r.in(name), "user.trustfs.verdict"); got != "deny" || err != nil {
			t.Errorf("%s: verdict %q, %v", name, got, err)
		}
	}
	entries, err := os.ReadDir(r.mnt)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			t.Errorf("%s is listed as %v", e.Name(), e.Type())
		}
	}
	if !strings.Contains(r.log.String(), "not a regular file") {
		t.Error("the operator is not told why")
	}
}
