package host

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEveryCheckSpeaks(t *testing.T) {
	for _, c := range Mounting() {
		if c.Name == "" || c.Detail == "" {
			t.Errorf("a check without a word: %+v", c)
		}
		if c.State == Missing && c.Mend == "" {
			t.Errorf("%s is missing, and nothing says how to mend it", c.Name)
		}
	}
}

// The check of /dev/fuse must agree with an attempt to open it.
func TestDevice(t *testing.T) {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err == nil {
		f.Close()
	}
	if got := device().State == Present; got != (err == nil) {
		t.Errorf("present: %v, but opening gave %v", got, err)
	}
}

// The harmless attempt must be refused for its descriptors or its flag, never carried out.
func TestBeneathMountsMovesNothing(t *testing.T) {
	err := unix.MoveMount(-1, "", -1, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH|moveMountBeneath)
	if !errors.Is(err, unix.EBADF) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS) {
		t.Errorf("move_mount of nothing: %v", err)
	}
}
