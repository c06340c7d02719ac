package inside

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// Command reads a wire.Command, builds a root that holds nothing but its mounts, gives up all power, and becomes the
// program. It does not return.
func Command() {
	runtime.LockOSThread() // credentials and filter of this thread are those of the program: exec keeps them
	err := becomeCommand()
	fmt.Fprintf(os.Stderr, "trustfs-worker: %v\n", err)
	os.Exit(exitSetup)
}

func becomeCommand() error {
	if err := settleDescriptors(); err != nil {
		return err
	}
	b, err := readFrame(wire.MaxSetup, nil)
	if err != nil {
		return fmt.Errorf("command: %w (this program is started by trustfs, not by hand)", err)
	}
	var c wire.Command
	if err := json.Unmarshal(b, &c); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("parent-death signal: %w", err)
	}
	if err := buildRoot(&c); err != nil {
		return err
	}
	if err := emptyStdin(); err != nil {
		return err
	}
	if err := giveUp(&c); err != nil {
		return err
	}
	err = syscall.Exec(c.Argv[0], c.Argv, c.Env)
	return fmt.Errorf("starting %s in the jail: %w", c.Argv[0], err)
}

// emptyStdin replaces the request socket by /dev/null.
func emptyStdin() error {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return unix.Dup3(fd, 0, 0)
}

// giveUp takes away everything but the program's own needs, the filter last.
func giveUp(c *wire.Command) error {
	if c.Landlock {
		if err := restrictTo(c.Mounts); err != nil {
			return err
		}
	}
	if err := limit(c.Rlimits); err != nil {
		return err
	}
	if err := unix.Setresgid(c.Gid, c.Gid, c.Gid); err != nil {
		return fmt.Errorf("group %d: %w", c.Gid, err)
	}
	if err := unix.Setresuid(c.Uid, c.Uid, c.Uid); err != nil {
		return fmt.Errorf("user %d: %w", c.Uid, err)
	}
	// A change of user clears the parent-death signal.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("parent-death signal: %w", err)
	}
	if err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	// Without this, exec as uid 0 of the namespace would give the program every capability again.
	const secbits = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<6 | 1<<7 // NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, all locked
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, secbits, 0, 0, 0); err != nil && c.Uid == 0 {
		return fmt.Errorf("securebits: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	return loadFilter(c.Filter)
}

// restrictTo gives Landlock exactly the mounts, so that even a mistake in the mounting opens nothing.
func restrictTo(mounts []wire.Mount) error {
	var rules []landlock.Rule
	for _, m := range mounts {
		st, err := os.Stat(m.Target)
		if err != nil {
			continue // optional, and not there
		}
		switch {
		case m.Write && st.IsDir():
			rules = append(rules, landlock.RWDirs(m.Target))
		case m.Write || m.Device:
			rules = append(rules, landlock.RWFiles(m.Target))
		case st.IsDir():
			rules = append(rules, landlock.RODirs(m.Target))
		default:
			rules = append(rules, landlock.ROFiles(m.Target))
		}
	}
	rules = append(rules, landlock.RWDirs("/tmp"))
	if err := landlock.V11.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("Landlock: %w", err)
	}
	return nil
}

// buildRoot makes a tmpfs with the mounts the root.
func buildRoot(c *wire.Command) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("root: making mounts private: %w", err)
	}
	if err := unix.Mount("none", newRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=755"); err != nil {
		return fmt.Errorf("root: tmpfs: %w", err)
	}
	for _, m := range c.Mounts {
		if err := bind(m); err != nil {
			return err
		}
	}
	tmp := newRoot + "/tmp"
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	opts := fmt.Sprintf("size=%d,mode=1777", c.TmpBytes)
	if err := unix.Mount("none", tmp, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, opts); err != nil {
		return fmt.Errorf("root: /tmp: %w", err)
	}
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("root: pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("root: detaching the host's files: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("root: read-only: %w", err)
	}
	return unix.Chdir("/tmp")
}

// newRoot is where the root is put together: a directory that surely exists and that no mount's source lies below.
const newRoot = "/proc"
