package inside

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// settleDescriptors closes all but the three that the parent gave and lets the runtime open its poller now: the garbage
// collector's timers would open it later, when the filter forbids it. The filter knows the two numbers.
func settleDescriptors() error {
	first := uint(wire.FDEpoll)
	if pollerOpen() == nil { // an imported package started a timer in its init: the poller has its numbers already
		first = wire.FDWake + 1
	}
	if err := unix.CloseRange(first, math.MaxUint32, 0); err != nil {
		return fmt.Errorf("closing inherited descriptors: %w (Linux 5.9 or later is needed)", err)
	}
	time.Sleep(time.Nanosecond)
	if err := pollerOpen(); err != nil {
		return err
	}
	var st unix.Stat_t
	if unix.Fstat(wire.FirstFile, &st) == nil {
		return fmt.Errorf("descriptor %d is open, expected none", wire.FirstFile)
	}
	return nil
}

// pollerOpen says whether the runtime's poller is open under the two numbers that the filter knows.
func pollerOpen() error {
	for fd, want := range map[int]string{wire.FDEpoll: "anon_inode:[eventpoll]", wire.FDWake: "anon_inode:[eventfd]"} {
		var buf [64]byte
		n, err := unix.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd), buf[:])
		if err != nil {
			return fmt.Errorf("runtime poller: %w", err)
		}
		if string(buf[:n]) != want {
			return fmt.Errorf("runtime poller: descriptor %d is %s, expected %s", fd, buf[:n], want)
		}
	}
	return nil
}
