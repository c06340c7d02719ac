package fs

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func fgetxattr(t *testing.T, fd int, name string) string {
	t.Helper()
	buf := make([]byte, maxXattr)
	n, err := unix.Fgetxattr(fd, name, buf)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return string(buf[:max(n, 0)])
}

// replaceOpen opens name, puts a file of other content in its place, and gives the descriptor and what the attribute name
// said before.
func (r *rig) replaceOpen(backing, name, attribute, content string) (fd int, before string) {
	r.t.Helper()
	fd, err := unix.Open(r.in(name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { unix.Close(fd) }) // ahead of the rig's own
	before = fgetxattr(r.t, fd, attribute)
	fresh := r.put("fresh", content)
	if err := os.Rename(fresh, backing); err != nil {
		r.t.Fatal(err)
	}
	return fd, before
}

// A reader's descriptor goes on answering for the version that he has open: cp and rsync ask it for attributes.
func TestXattrsOfAReplacedFile(t *testing.T) {
	r := newRig(t)
	path := r.put("m", "weights")
	if err := unix.Setxattr(path, "user.mine", []byte("old"), 0); err != nil {
		t.Skip("SKIPPED: the filesystem under the temporary directory has no user attributes: ", err)
	}
	fd, digest := r.replaceOpen(path, "m", "user.trustfs.sha256", evil)
	for name, want := range map[string]string{"user.trustfs.verdict": "allow", "user.trustfs.sha256": digest, "user.mine": "old"} {
		if got := fgetxattr(t, fd, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	buf := make([]byte, 100)
	n, err := unix.Flistxattr(fd, buf)
	if list := strings.Split(string(buf[:max(n, 0)]), "\x00"); err != nil || !slices.Contains(list, "user.mine") {
		t.Errorf("listed %q, %v", list, err)
	}
	eventually(t, "the name answers for the new file", func() bool {
		got, err := getxattr(r.in("m"), "user.trustfs.verdict")
		return err == nil && got == "deny"
	})
	if got := fgetxattr(t, fd, "user.trustfs.verdict"); got != "allow" {
		t.Errorf("afterwards the descriptor answers %q", got)
	}
}

func TestXattrsOfAReplacedViewSource(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	path := r.put("a.pt", string(torchFile(0)))
	fd, report := r.replaceOpen(path, "a.safetensors", "user.trustfs.report", string(torchFile(5)))
	if got := fgetxattr(t, fd, "user.trustfs.report"); got != report || report == "" {
		t.Errorf("report: %q, want %q", got, report)
	}
	old := fgetxattr(t, fd, "user.trustfs.sha256")
	eventually(t, "the name answers for the new source's view", func() bool {
		got, err := getxattr(r.in("a.safetensors"), "user.trustfs.sha256")
		return err == nil && got != old
	})
}
