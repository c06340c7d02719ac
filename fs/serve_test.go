package fs

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAdmittedAndRefused(t *testing.T) {
	r := newRig(t)
	r.put("good/model.pt", "weights")
	r.put("evil.pt", evil+" and more")
	r.put("empty", "")
	if got := r.read("good/model.pt"); got != "weights" {
		t.Errorf("read %q", got)
	}
	if got := r.read("empty"); got != "" {
		t.Errorf("read %q of an empty file", got)
	}
	_, err := os.ReadFile(r.in("evil.pt"))
	wantErrno(t, "open of a refused file", err, unix.EACCES)
	_, err = os.ReadFile(r.in("absent"))
	wantErrno(t, "open of nothing", err, unix.ENOENT)
	if got := r.gate.judgements(); !slices.Equal(got, []string{"good/model.pt", "empty", "evil.pt"}) {
		t.Errorf("judged %v", got)
	}
	r.read("good/model.pt")
	if n := len(r.gate.judgements()); n != 3 {
		t.Errorf("a second open judged again: %d", n)
	}
}

func TestMountOptions(t *testing.T) {
	r := newRig(t)
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(table)) {
		if !strings.Contains(line, " "+r.mnt+" ") {
			continue
		}
		for _, want := range []string{" ro,nosuid,nodev,noexec", " fuse.trustfs trustfs ", "default_permissions", "allow_other", "max_read=1048576"} {
			if !strings.Contains(line, want) {
				t.Errorf("mount line %q lacks %q", line, want)
			}
		}
		return
	}
	t.Error("not in the mount table")
}
