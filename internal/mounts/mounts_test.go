package mounts

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
)

func TestOurs(t *testing.T) {
	me := os.Geteuid()
	for _, tt := range []struct {
		m    mount.Info
		want bool
	}{
		{mount.Info{Type: mount.Type, Super: "rw,user_id=0"}, true},
		{mount.Info{Type: mount.Type, Super: "rw,user_id=" + strconv.Itoa(me)}, true},
		{mount.Info{Type: mount.Type, Super: "rw,user_id=" + strconv.Itoa(me+77777)}, false}, // another user's: it could say anything
		{mount.Info{Type: mount.Type, Super: "rw"}, false},
		{mount.Info{Type: "fuse.other", Super: "rw,user_id=0"}, false},
	} {
		if ours(tt.m) != tt.want {
			t.Errorf("%+v: ours is %v", tt.m, !tt.want)
		}
	}
}

// A file outside of any mount must not be able to speak for itself through an attribute of that name.
func TestForgedAttribute(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(name, "user.trustfs.report", []byte(`{"verdict":"allow"}`), 0); err != nil {
		t.Logf("no user attributes here (%v): only the plain case is tested", err)
	}
	if r, err := Report(name); !errors.Is(err, ErrNone) {
		t.Errorf("got %+v, %v, want ErrNone", r, err)
	}
}
