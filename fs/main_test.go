package fs

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// childMode makes the test binary a reader or a daemon of its own, for tests about signals and about daemons that die.
const childMode = "TRUSTFS_FS_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "open":
		childOpen(os.Args[1])
	case "open-and-stay":
		childOpen(os.Args[1])
		select {}
	case "serve":
		childServe(os.Args[1], os.Args[2])
	case "storm":
		childStorm(os.Args[1], os.Args[2], os.Args[3])
	case "faults":
		childFaults(os.Args[1], os.Args[2], os.Args[3])
	default:
		os.Exit(m.Run())
	}
}

// childOpen opens a file with one system call, never again on EINTR, and prints what came of it.
func childOpen(path string) {
	signal.Notify(make(chan os.Signal, 100), unix.SIGUSR1, unix.SIGURG, unix.SIGCONT, unix.SIGWINCH, unix.SIGCHLD)
	runtime.LockOSThread()
	fmt.Println(unix.Gettid())
	_, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	fmt.Println("result:", err)
}

// childServe mounts over dir itself until it is killed.
func childServe(dir, run string) {
	s, err := Mount(Options{Dir: dir, Gate: newTestGate(), RunDir: run})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("serving")
	s.Wait()
}
